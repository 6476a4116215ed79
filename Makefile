.PHONY: check test
check: ## everything that CI runs
	.ci/run
test: ## the fast tests
	uv run pytest
