"""Settings of the property tests."""

from hypothesis import settings

# A busy machine must not turn a test red: no deadline for a single example.
settings.register_profile("detectors", deadline=None)
settings.load_profile("detectors")
