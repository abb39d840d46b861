"""Flights that nobody flew, and two versions of a model that says how likely each is to be late.

`python flights.py ROWS` prints what version 1 was trained on, as CSV: the baseline is fitted to that.
"""

import csv
import math
import random
import sys
from dataclasses import dataclass

CARRIERS = {"AA": 10, "B6": 17, "DL": 15, "EV": 16, "UA": 18, "WN": 4}
"""Code to share of the flights."""


@dataclass(frozen=True)
class Flight:
    """What is known of a flight when it is asked about, and whether it will be late."""

    carrier: str
    distance: float
    departure_hour: float
    late: bool

    @property
    def features(self) -> dict[str, object]:
        """What the model is given."""
        return {"carrier": self.carrier, "distance": self.distance, "departure_hour": self.departure_hour}


def draw(rng: random.Random) -> Flight:
    """Return a flight: the later in the day, the later it is."""
    hour = rng.triangular(5, 24, 15)
    return Flight(
        carrier=rng.choices(list(CARRIERS), list(CARRIERS.values()))[0],
        distance=rng.triangular(150, 2_600, 800),
        departure_hour=hour,
        late=rng.random() < chance(hour),
    )


def chance(hour: float) -> float:
    """Return how likely a flight that leaves at `hour`, 0 to 24, is to be late."""
    return 1 / (1 + math.exp(17 - hour))


def score(version: str, features: dict[str, object]) -> float:
    """Return what a version says. Version 2 is the same model, but whoever deployed it hands it the hours in UTC."""
    hour = float(str(features["departure_hour"]))
    return chance((hour + 4) % 24 if version == "v2" else hour)


def label(said: float) -> str:
    """Return what a flight is called at that score."""
    return "late" if said >= 0.5 else "on_time"  # noqa: PLR2004 - more likely than not


def main() -> None:
    """Print so many flights."""
    rng, out = random.Random(2013), csv.writer(sys.stdout)
    for row in range(int(sys.argv[1])):
        features = draw(rng).features
        said = score("v1", features)
        if row == 0:
            out.writerow([*features, "score", "label"])
        out.writerow([*features.values(), said, label(said)])


if __name__ == "__main__":
    main()
