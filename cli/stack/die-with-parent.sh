#!/bin/sh
# die-with-parent.sh PROGRAM ARGUMENTS…
# Runs a program, and kills its process group when the other end of standard input closes, which happens when the parent
# exits for any reason. For systems without a parent-death signal. Must lead its own process group.
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
  # A signal ends the wait before the program has exited.
  kill -0 "$program" 2>/dev/null || break
done
kill -KILL "$watcher" 2>/dev/null
exit "$code"
