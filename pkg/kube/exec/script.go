package exec

// fileDirs are the directories, as the shell expands them, in which a program's files may be.
const fileDirs = `"${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm`

// runScript is run by the container's shell instead of the program, whose arguments it does not change. It writes its
// process id to standard error. That is also the id of the process group, because container runtimes start an executed
// program as the leader of one. The output of the program goes both to the connection and to files of at most 16 MiB
// each, so that the exit code and the output survive a lost connection; see reattachScript. The files are removed when
// the client has acknowledged the end. A second shell waits for the program, because a runtime that loses the
// connection may kill the first; the messages of that second shell about the program's end are dropped. In an image
// that lacks tee or mkfifo, the program runs without all this.
const runScript = `t=$1; shift; d=
for p in ` + fileDirs + `; do mkdir -m 700 "$p/$t" 2>/dev/null && d=$p/$t && break; done
if [ -z "$d" ] || ! command -v tee >/dev/null 2>&1 || ! mkfifo "$d/1" "$d/2" 2>/dev/null; then
[ -z "$d" ] || rm -rf "$d"; echo "$t pid $$" >&2; exec "$@" </dev/null
fi
(
trap : 1 2 15
(trap '' 1 2 13 15 25; ulimit -f 32768 2>/dev/null; exec tee "$d/out" <"$d/1" 3>&-) & o=$!
(trap '' 1 2 13 15 25; ulimit -f 32768 2>/dev/null; exec tee "$d/err" <"$d/2" >&3) & e=$!
(exec "$@") </dev/null >"$d/1" 2>"$d/2" 3>&-
c=$?
wait $o $e
echo $c >"$d/c" && mv "$d/c" "$d/code"
) 3>&2 2>/dev/null & i=$!
echo "$$ $i" >"$d/p" && mv "$d/p" "$d/pid"
echo "$t pid $$" >&2
trap : 1 2 15
wait $i; while kill -0 $i 2>/dev/null; do wait $i; done
c=$(cat "$d/code" 2>/dev/null || echo 137)
echo "$t end" >&2
read a && [ "$a" = seen ] && rm -rf "$d"
exit $c`

// reattachScript is run by the container's shell to reattach to a program. It prints the program's standard output from
// byte $2 on and its standard error from byte $3 on until the program has ended, then its exit code; "none" when there
// are no files of the program, "gone" when it left no exit code.
const reattachScript = `t=$1; o=$2; e=$3; d=; i=; g=0
for p in ` + fileDirs + `; do [ -d "$p/$t" ] && d=$p/$t && break; done
if [ -z "$d" ]; then echo "$t none" >&2; exit 0; fi
[ -f "$d/pid" ] || sleep 1
[ -f "$d/pid" ] && read g i <"$d/pid"
echo "$t pid $g" >&2
while :; do
if [ -f "$d/code" ]; then end=1; elif [ "$i" ] && kill -0 "$i" 2>/dev/null; then end=; elif [ -f "$d/code" ]; then end=1; else end=2; fi
s=$(($(wc -c <"$d/out" 2>/dev/null || echo 0))); [ "$s" -gt "$o" ] && tail -c +$((o+1)) "$d/out" | head -c $((s-o)) && o=$s
s=$(($(wc -c <"$d/err" 2>/dev/null || echo 0))); [ "$s" -gt "$e" ] && tail -c +$((e+1)) "$d/err" | head -c $((s-e)) >&2 && e=$s
[ "$end" ] && break; sleep 1
done
if [ "$end" = 2 ]; then echo "$t gone" >&2; exit 0; fi
echo "$t code $(cat "$d/code")" >&2
read a && [ "$a" = seen ] && rm -rf "$d"
exit 0`

// maxKeptOutput is how many bytes of each stream the container keeps.
const maxKeptOutput = 32768 * 512
