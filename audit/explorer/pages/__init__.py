"""The explorer's pages, one module a kind: each asks the query layer and fills a template."""
