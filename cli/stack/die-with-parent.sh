#!/bin/sh
# die-with-parent.sh PROGRAM ARGUMENTS…
# Runs a program that ends, with all it has started, when the other end of standard input closes: when the one who
# started it is gone, however it went. For systems without a parent-death signal. Started as leader of its own group.
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
trap 'kill -TERM "$program" 2>/dev/null' TERM
trap 'kill -INT "$program" 2>/dev/null' INT
(while read -r _ <&3; do :; done; kill -KILL 0) &
watcher=$!
exec 3<&-
while :; do
  wait "$program"
  code=$?
  # A signal ends the wait before the program has ended.
  kill -0 "$program" 2>/dev/null || break
done
kill -KILL "$watcher" 2>/dev/null
exit "$code"
