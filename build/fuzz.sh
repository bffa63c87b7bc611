#!/usr/bin/env bash
# Fuzzes one target under AFL++, guided by coverage. What it finds lies in artifacts/fuzz/TARGET/default/crashes.
# Needs afl++ (Debian's package) and the tool: dotnet tool install --global SharpFuzz.CommandLine
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?TARGET: frames, pack, path, json, manifest or credentials} seconds=${2:-3600}
out=artifacts/fuzz/$target
# What is instrumented is IL: compiled ahead, other code would run.
dotnet build tests/Backup.Fuzz -c Release -v:q -p:CompileAhead=false
rm -rf "artifacts/fuzz/bin" && mkdir -p "$out" && cp -r tests/Backup.Fuzz/bin/Release/net10.0 artifacts/fuzz/bin
dotnet artifacts/fuzz/bin/Backup.Fuzz.dll seeds "$target" "$out-seeds"
for assembly in Backup.Protocol Backup.Storage; do
  # Not what runs when the assembly is loaded: the fuzzer is not there yet.
  PATH="$PATH:$HOME/.dotnet/tools" sharpfuzz "artifacts/fuzz/bin/$assembly.dll" Backup.
done
# The machine's core pattern and CPU scaling are its owner's business.
AFL_SKIP_BIN_CHECK=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 \
  timeout --signal=INT "$seconds" afl-fuzz -i "$out-seeds" -o "$out" -t 10000 -m none dotnet artifacts/fuzz/bin/Backup.Fuzz.dll afl "$target" >"$out.log" || true
grep -E "execs_done|execs_per_sec|corpus_count|saved_crashes|saved_hangs" "$out/default/fuzzer_stats"
