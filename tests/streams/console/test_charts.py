"""Where marks go."""

from kedge.schemas.monitor import PolicySpec
from kedge.schemas.records import Bin, Verdict
from kedge.streams.console.charts import BINS_MAX, BOTTOM, LEFT, RIGHT, TOP, Sample, curve, histogram, thresholds_of


def bins(count: int) -> list[Bin]:
    return [Bin(label=f"b{i}", reference=1 / count, current=1 / count, contribution=i / 100) for i in range(count)]


def samples(*values: float | None) -> list[Sample]:
    return [Sample(i, value, Verdict.STABLE, "") for i, value in enumerate(values)]


def test_bins_that_moved_least_are_drawn_as_one_and_none_is_lost() -> None:
    picture = histogram(bins(50))
    assert len(picture.bars) == BINS_MAX
    assert [bar.label for bar in picture.bars] == [*(f"b{i}" for i in range(35, 50)), "35 other bins"]
    assert (picture.merged, picture.bars[-1].words) == (35, "70.0 % → 70.0 %")
    assert histogram(bins(BINS_MAX)).merged == 0
    assert histogram([]).bars == ()


def test_a_curve_stays_in_its_frame_breaks_where_nothing_is_known_and_bands_touch() -> None:
    picture = curve(samples(0.0, 0.1, None, 0.5, -0.2), thresholds_of(PolicySpec()))
    assert all(LEFT <= dot.x <= RIGHT and TOP <= dot.y <= BOTTOM for dot in picture.dots)
    assert [dot.shape for dot in picture.dots] == ["stable", "stable", "unknown", "stable", "stable"]
    assert [len(path.split()) for path in picture.paths] == [2, 2]
    warn, drift = picture.lines
    assert (drift.band_y, warn.band_y) == (TOP, drift.y)
    assert warn.band_y + warn.band_height == warn.y


def test_of_a_p_value_less_is_worse() -> None:
    below = PolicySpec(metric="g_p_value", warn=0.05, drift=0.01)
    drift, warn = curve(samples(0.5), thresholds_of(below)).lines
    assert (drift.style, warn.style) == ("drift", "warn")
    assert drift.band_y + drift.band_height == BOTTOM


def test_no_window_and_one_window_can_be_drawn() -> None:
    assert curve([], ()).dots == ()
    assert curve(samples(0.1), ()).paths == ()
