"""Text that takes long to make is made once, and is the same from where it was kept."""

from engine.execution.kept import kept_text


def test_it_is_made_once_of_what_it_follows_from(tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "own"))
    made = []

    def make():
        made.append(1)
        return f"text {len(made)}, “quoted”"

    assert [kept_text(about, make) for about in "aab"] == ["text 1, “quoted”"] * 2 + ["text 2, “quoted”"]
    monkeypatch.setenv("RUSTBELT_CACHE", "off")
    assert kept_text("a", make) == "text 3, “quoted”"
