"""What happens to a model in production, told one story a file: tally, judge, guard and a router in one process."""
