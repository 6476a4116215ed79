#!/bin/sh
# The app in a real window under Xvfb, with real key events. Screenshots go to .ci/out/.
# README_PICTURES=assets/readme copies those of the README there. E2E_PATIENCE: seconds, where the machine is busy.
# -noreset: else Xvfb starts anew when its last client leaves, and turns away an app that comes meanwhile.
# Needs Xvfb, xdotool and ImageMagick's import; arguments are handed on to pytest.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p .ci/out
number=$(mktemp)
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -noreset 3>"$number" 2>/dev/null &
server=$!
trap 'kill "$server" 2>/dev/null; rm -f "$number"' EXIT INT TERM
for _ in $(seq 100); do
    [ -s "$number" ] && break
    sleep 0.1
done
DISPLAY=:$(cat "$number")
export DISPLAY
unset SDL_VIDEODRIVER WAYLAND_DISPLAY
export SDL_AUDIODRIVER=dummy
"${PYTHON:-python3}" -m pytest -m e2e tests/e2e "$@"
