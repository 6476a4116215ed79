#!/usr/bin/env bash
# From a bare machine with a GPU to a trained engine: see gpu_session.py beside this file, and docs/gpu.md.
#
#   bash benchmarks/gpu_session.sh MINUTES OUT [PRESET] [KEY=VALUE ...] [--device cuda] ...
#
# The Python that it runs (PYTHON, or python3) needs torch. What else it lacks may lie as wheels in .whl/.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}
if compgen -G "$ROOT/.whl/*.whl" > /dev/null && [ ! -d "$ROOT/.site" ]; then
  "$PYTHON" -m pip install --quiet --no-index --no-deps --target "$ROOT/.site" "$ROOT"/.whl/*.whl
fi
export PYTHONPATH="$ROOT:$ROOT/.site${PYTHONPATH:+:$PYTHONPATH}"
exec "$PYTHON" "$ROOT/benchmarks/gpu_session.py" "$@"
