#!/usr/bin/env bash
# Runs every product kernel under the sanitizers, without a line of test code per kernel: the op tests of CudaAttribution.Tensors run
# once with a library that records what they launch on simt, and the native test programs replay the recorded launches
#
#   plain   on cpu_avx2, cpu_avx512 and simt, with several block sizes and random thread orders
#   asan    on simt under AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan    on simt under ThreadSanitizer: a missing barrier, or two blocks that write the same place, is a reported race; and on cpu, whose blocks
#           run on the threads of the pool, which is under it too
#
# The launches are spread over three threads, but those on simt under ThreadSanitizer, whose reports must not depend on time.
#
# Every replay must leave the recorded bits, and every kernel must have been recorded.
#
#   build/replay-kernels.sh [NATIVE BUILD FOLDER]     default: artifacts/native; the tests must be built (dotnet build --configuration Release)
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
native="$(cd "${1:-$repository/artifacts/native}" && pwd)"
recordings="$native/recordings"

cmake --build "$native" --target all recorder native_tests native_tests_asan native_tests_tsan_program

rm -rf "$recordings"
mkdir -p "$recordings"
echo "recording what the op tests launch on simt"
LD_PRELOAD="$native/recorder/libcuattr_simt.so" CUDATTR_NATIVE_DIR="$native/recorder" CUATTR_RECORDING="$recordings/launches" \
  dotnet test "$repository/tests/CudaAttribution.Tensors.Tests" --configuration Release --no-build --nologo -v q --filter 'FullyQualifiedName~simt' ||
  echo "some tests failed while recording; what they launched is replayed all the same"

status=0
for program in native_tests native_tests_asan native_tests_tsan; do
  echo "$program --replay"
  TSAN_OPTIONS="external_symbolizer_path=$(command -v addr2line)" "$native/$program" --replay "$recordings"/launches.* || status=1
done
exit $status
