"""What holds for all tests."""

from hypothesis import settings

# Speed is the benchmarks' business: on a busy machine an example may take any time, and that is no defect.
settings.register_profile("kedge", deadline=None)
settings.load_profile("kedge")
