"""Charts as the server draws them: text and classes, nothing inline."""

from theme.charts import Bar, draw_bars


def test_a_chart_names_each_bar_and_has_no_inline_style() -> None:
    bars: list[Bar] = [{"label": "10:00", "parts": [("ok", 3), ("failed", 1)]}, {"label": "11:00", "parts": []}]

    svg = draw_bars(bars, label="Runs <an hour>")

    assert "<title>10:00: 3 ok, 1 failed</title>" in svg
    assert "<title>11:00: none</title>" in svg
    assert "Runs &lt;an hour&gt;" in svg
    assert "style=" not in svg


def test_a_chart_of_nothing_is_drawn_too() -> None:
    assert draw_bars([], label="none").startswith("<svg")
    assert "<rect" not in draw_bars([{"label": "10:00", "parts": [("ok", 0)]}], label="none")
