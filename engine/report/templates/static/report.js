"use strict";
(() => {
  // Vega-Lite warns where layers share a legend, as lines and their points do, where a layer is empty in a panel, and
  // where a panel has a scale of its own and two columns, both of one table
  const warn = console.warn, expected = /legend|Infinite extent|faceted independent scales/;
  console.warn = (...words) => expected.test(words.join(" ")) || warn.apply(console, words);
  const held = JSON.parse(document.getElementById("data").textContent);
  const policies = held.policies;
  const boxes = [...document.querySelectorAll(".switch input")];
  const views = new Map();
  const shown = () => (boxes.length ? boxes.filter((box) => box.checked).map((box) => policies[+box.value]) : policies);

  // columns to rows, of the policies that are shown
  const rows = (columns) => {
    const names = Object.keys(columns), shownNow = new Set(shown());
    const value = (column, k) => (Array.isArray(column) ? column[k] : column.of[column.at[k]]);
    const first = columns[names[0]], count = names.length ? (Array.isArray(first) ? first : first.at).length : 1;
    const made = Array.from({ length: count }, (_, k) => Object.fromEntries(names.map((name) => [name, value(columns[name], k)])));
    return made.filter((row) => !policies.includes(row.policy) || shownNow.has(row.policy));
  };
  const chosen = (datasets) => Object.fromEntries(Object.entries(datasets).map(([key, columns]) => [key, rows(columns)]));

  // in a narrow place titles, names and legends have more lines, and so do the rows that they name
  const NARROW = 560, NAMES = 130, EM = 0.53, LINE = 13;
  const broken = (text, pixels, size = 11) => {
    const made = [""], isWide = (part) => part.trim().length * EM * size > pixels;
    const parts = (word) => (isWide(word) ? word.split(/(?<=[-_/])/) : [word]);
    for (const part of [text].flat().join(" ").split(/[ \n]+/).flatMap((word) => parts(`${word} `))) {
      const longer = made[made.length - 1] + part;
      if (made[made.length - 1] && isWide(longer)) made.push(part);
      else made[made.length - 1] = longer;
    }
    return made.map((line) => line.trim());
  };
  const ROWS = /^(\{.*\})\[datum\.label\]$/s;
  const named = (part) => JSON.parse((ROWS.exec(part.labelExpr) || [0, "{}"])[1]);
  const inside = (part) => (part && typeof part === "object" ? Object.entries(part).filter(([key]) => key !== "datasets") : []);
  const tallest = (part) => Math.max(0, ...inside(part).map(([key, one]) =>
    key === "axis" && one ? Math.max(0, ...Object.values(named(one)).map((lines) => lines.length)) : tallest(one)));
  const narrowed = (part, room, at = "") => {
    if (Array.isArray(part)) return part.map((one) => narrowed(one, room));
    if (!part || typeof part !== "object" || at === "datasets") return part;
    const made = Object.fromEntries(Object.entries(part).map(([key, one]) => [key, narrowed(one, room, key)]));
    if (at === "title" && made.text) made.text = broken(made.text, room, made.fontSize);
    if (at === "axis" && typeof made.title === "string") made.title = broken(made.title, room - NAMES - 30).join("\n");
    if (at === "legend") made.orient = "top";
    if (at === "legend") made.columns = Math.min(made.columns || 3, Math.max(1, Math.floor(room / 170)));
    const names = Object.entries(named(made)).map(([name, lines]) => [name, broken(lines, at === "axis" ? NAMES : room - 60)]);
    if (names.length) made.labelExpr = `${JSON.stringify(Object.fromEntries(names))}[datum.label]`;
    if (made.layer) made.layer = made.layer.filter((one) => !(one.encoding.x && one.encoding.x.value > 0));  // text beside the plot
    if (made.height && made.height.step) made.height = { ...made.height, step: made.height.step + LINE * (tallest(made) - tallest(part)) };
    return made;
  };

  // parts side by side: as many as there is room for; a single part is as wide as its place
  const GAP = 70;
  const longest = (part) => Math.max(0, ...inside(part).map(([key, one]) =>
    key === "axis" && one ? Math.max(0, ...Object.values(named(one)).flat().map((line) => line.length)) : longest(one)));
  const beside = (spec) => Math.max(GAP, 11 * EM * longest(spec) + 30);
  // below one another each part has the names of the rows, which the first has side by side
  const unshared = (parts) => {
    const layers = (part) => part.layer || [part];
    const first = layers(parts[0]).map((one) => one.encoding && one.encoding.y).find((y) => y && y.axis);
    const own = (one) => (first && one.encoding && one.encoding.y && one.encoding.y.axis === null
      ? { ...one, encoding: { ...one.encoding, y: { ...one.encoding.y, axis: first.axis } } } : one);
    return parts.map((part) => (part.layer ? { ...part, layer: part.layer.map(own) } : own(part)));
  };
  const widest = (spec) => {
    const inner = spec.spec || (spec.concat || spec.hconcat || spec.vconcat || [])[0];
    return spec.width > 0 ? spec.width : inner ? widest(inner) : 300;
  };
  const fitted = (spec, room, top) => {
    if (spec.layer || spec.mark) {
      if (top) return { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" } };
      return typeof spec.width === "number" ? { ...spec, width: Math.min(spec.width, Math.max(room - beside(spec), 120)) } : spec;
    }
    if (spec.hconcat) {
      const total = spec.hconcat.reduce((sum, part) => sum + widest(part), 0);
      const share = (room - spec.hconcat.reduce((sum, part) => sum + beside(part), 0)) / total, wide = share > 0.6;
      const parts = () => spec.hconcat.map((part) => fitted(part, widest(part) * share + beside(part), false));
      const { hconcat, ...rest } = spec;
      return wide ? { ...rest, hconcat: parts() } : { ...rest, vconcat: unshared(spec.hconcat).map((part) => fitted(part, room, false)) };
    }
    if (spec.vconcat) return { ...spec, vconcat: spec.vconcat.map((part) => fitted(part, room, false)) };
    const columns = Math.max(1, Math.min(spec.columns || 1, Math.floor(room / (widest(spec) + GAP))));
    if (spec.concat) return { ...spec, columns, concat: spec.concat.map((part) => fitted(part, room / columns, false)) };
    return spec.spec ? { ...spec, columns, spec: fitted(spec.spec, room / columns, false) } : spec;
  };

  const draw = async (place, isNarrow = place.clientWidth < NARROW, room = place.clientWidth) => {
    const spec = held.charts[place.dataset.chart];
    if (views.has(place)) views.get(place).finalize();
    const options = {
      renderer: "svg", actions: false, ast: true, tooltip: { theme: "report", offsetX: 14, offsetY: 14 },
      loader: { load: () => Promise.reject(new Error("this page loads nothing")) },
    };
    const sized = { ...fitted(isNarrow ? narrowed(spec, room) : spec, room, true), datasets: chosen(spec.datasets) };
    sized.config = { ...spec.config, aria: false, font: getComputedStyle(document.body).fontFamily };
    const { view } = await vegaEmbed(place, sized, options);
    const svg = place.querySelector("svg");
    const over = svg ? svg.getAttribute("width") / place.clientWidth - 1 : 0;
    if (over > 0.1 && (!isNarrow || room === place.clientWidth)) {
      view.finalize();
      views.delete(place);
      return draw(place, true, isNarrow ? room * (1 - over) : room);
    }
    if (svg) place.classList.toggle("tall", +svg.getAttribute("height") > +svg.getAttribute("width"));
    if (svg) { svg.setAttribute("aria-hidden", "true"); svg.setAttribute("focusable", "false"); }
    views.set(place, view);
    place.dataset.room = String(place.clientWidth);
  };

  const apply = async () => {
    for (const place of [...views.keys()]) await draw(place);
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

  // parts side by side do not grow with the page: they are drawn anew
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      for (const place of views.keys()) {
        if (Math.abs(place.clientWidth - place.dataset.room) >= 8) draw(place);
      }
    }, 200);
  });
  edges();

  // one after the other, and all before the page counts as loaded, so that it prints whole at once
  const drawAll = async () => {
    for (const place of document.querySelectorAll(".plot")) {
      await draw(place);
    }
    document.documentElement.dataset.drawn = String(views.size);
  };
  drawAll();
})();
