"""The console: one read-only page that every worker serves, of what its topics say.

Each step knows only those before it: `board` folds records into bounded views; `plight`, `fleet` and `model_page` say
what they mean; `pages` makes HTML of it, and `site` answers requests. `reader` is the thread that reads Kafka.
"""
