"use strict";
(() => {
  const held = JSON.parse(document.getElementById("data").textContent);
  const policies = held.policies;
  const boxes = [...document.querySelectorAll(".switch input")];
  const views = new Map();
  const shown = () => (boxes.length ? boxes.filter((box) => box.checked).map((box) => policies[+box.value]) : policies);

  // columns to rows: the page holds each number once and each name not at all
  const rows = (columns) => {
    const names = Object.keys(columns);
    return columns[names[0]].map((_, k) => {
      const row = {};
      for (const name of names) row[name] = columns[name][k];
      row.policy = policies[row.p];
      return row;
    });
  };

  const config = {
    background: null,
    aria: false,
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: null },
    axis: {
      labelColor: "var(--muted)", titleColor: "var(--muted)", titleFontWeight: 400, labelFontSize: 12, titleFontSize: 12,
      gridColor: "var(--grid)", domainColor: "var(--rule)", tickColor: "var(--rule)", tickSize: 4, labelPadding: 5, titlePadding: 8,
    },
    axisY: { domain: false, ticks: false, titleAngle: 0, titleAlign: "left", titleAnchor: "start", titleX: 0, titleY: -14 },
    axisQuantitative: { labelFlush: false },
  };

  // panels of one chart: as many side by side as there is room for
  const panels = (spec, room) => {
    const own = spec.concat || [spec.spec], count = spec.concat ? own.length : policies.length;
    const most = Math.max(1, Math.min(count, 6, Math.floor(room / (own[0].width - 15))));
    const columns = Math.ceil(count / Math.ceil(count / most));
    const width = Math.floor((room - 52 - (columns - 1) * spec.spacing.column) / columns);
    const sized = own.map((one) => ({ ...one, width }));
    return { ...spec, columns, ...(spec.concat ? { concat: sized } : { spec: sized[0] }) };
  };
  const hasPanels = (spec) => Boolean(spec.facet || spec.concat);

  const draw = async (place) => {
    const chart = held.charts[place.dataset.chart];
    let spec = { ...chart.spec, data: { values: rows(chart.columns) } };
    if (hasPanels(spec)) spec = panels(spec, place.clientWidth);
    spec.params = [{ name: "shown", value: shown() }];
    const options = {
      renderer: "svg", actions: false, ast: true, config, tooltip: { theme: "report", offsetX: 14, offsetY: 14 },
      loader: { load: () => Promise.reject(new Error("this page loads nothing")) },
    };
    const { view } = await vegaEmbed(place, spec, options);
    const svg = place.querySelector("svg");
    if (svg) { svg.setAttribute("aria-hidden", "true"); svg.setAttribute("focusable", "false"); }
    views.set(place, view);
    place.dataset.room = String(place.clientWidth);
  };

  const apply = () => {
    const names = shown();
    boxes.forEach((box) => {
      document.querySelectorAll(`[data-policy="${box.value}"]`).forEach((part) => part.classList.toggle("off", !box.checked));
    });
    return Promise.all([...views.values()].map((view) => view.signal("shown", names).runAsync()));
  };

  boxes.forEach((box) => box.addEventListener("change", apply));
  const narrow = matchMedia("(max-width: 68rem)");
  const toc = document.querySelector(".toc");
  const fold = () => { toc.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();

  // a shadow on the side where a table goes on
  const edge = (box) => box.classList.toggle("on", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  const tables = [...document.querySelectorAll(".scroll")];
  const edges = () => tables.forEach(edge);
  tables.forEach((box) => box.addEventListener("scroll", () => edge(box), { passive: true }));
  document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", edges));
  addEventListener("resize", edges);

  // panels side by side do not grow with the page: they are drawn anew
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      for (const [place, view] of views) {
        if (!hasPanels(held.charts[place.dataset.chart].spec) || Math.abs(place.clientWidth - place.dataset.room) < 8) continue;
        view.finalize();
        draw(place);
      }
    }, 200);
  });
  edges();

  // what is seen first is drawn first; all the rest follows, so that the page prints whole; what is in a closed part, when that is opened
  const drawAll = async (within) => {
    for (const place of within.querySelectorAll(".plot")) {
      if (views.has(place) || place.closest("details:not([open])")) continue;
      await draw(place);
      await new Promise((next) => setTimeout(next));
    }
    await apply();
    document.documentElement.dataset.drawn = String(views.size);
  };
  document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", () => part.open && drawAll(part)));
  drawAll(document);
})();
