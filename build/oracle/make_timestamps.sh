#!/usr/bin/env bash
# Makes tests/golden/timestamps with OpenSSL's own time-stamping service, an implementation of RFC 3161 that is not ours. Run by hand, never by the
# build, after `dotnet build src/CudaAttribution.Cli -c Release`.
#   commit.json      a commitment; commit.tsq: our request for a stamp of it, which OpenSSL must read as SHA-256 of the commitment's 32 bytes
#   granted.tsr      OpenSSL's reply to it, which OpenSSL itself verifies; other.tsr: to a request of OpenSSL's for other bytes
#   refused.tsr      a reply that refuses (a hash that the service does not take)
#   root.pem         who certifies the service; other-root.pem: somebody else
set -euo pipefail
cd "$(dirname "$0")/../.."
readonly golden="$PWD/tests/golden/timestamps" work="$(mktemp -d)"
trap 'rm -r "$work"' EXIT
cudattr() { dotnet src/CudaAttribution.Cli/bin/Release/net10.0/cudattr.dll "$@"; }

root() { # root NAME FILE
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/$2.key" -out "$golden/$2.pem" -days 36500 -subj "/CN=$1" \
        -addext "keyUsage=critical,keyCertSign" 2> "$work/log"
}

rm -rf "$golden"
mkdir -p "$golden"
root "Test root" root
root "Other root" other-root
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/service.key" -out "$work/service.csr" -subj "/O=Test/CN=Test stamps" \
    2> "$work/log"
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n' > "$work/service.ext"
openssl x509 -req -in "$work/service.csr" -CA "$golden/root.pem" -CAkey "$work/root.key" -set_serial 2 -days 36500 -extfile "$work/service.ext" \
    -out "$work/service.pem" 2> "$work/log"
printf '[tsa]\ndefault_tsa=service\n[service]\nserial=%s\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n' "$work/serial" > "$work/service.cnf"
echo 2A > "$work/serial"
reply() { # reply REQUEST FILE
    openssl ts -reply -config "$work/service.cnf" -queryfile "$1" -signer "$work/service.pem" -inkey "$work/service.key" -chain "$golden/root.pem" \
        -out "$golden/$2" 2> "$work/log"
}

commit="$(printf 'what was planned' | openssl dgst -sha256 -r | cut -d' ' -f1)"
salt="$(printf 'salt' | openssl dgst -sha256 -r | cut -d' ' -f1)"
printf '{\n  "schema": "cudattr-commit-1",\n  "commit": "%s",\n  "salt": "%s"\n}\n' "$commit" "$salt" > "$golden/commit.json"
cudattr evidence stamp "$golden" > "$work/log"
printf '%s' "$commit" | xxd -r -p > "$work/commit"
imprint="$(openssl dgst -sha256 -r "$work/commit" | cut -d' ' -f1)"
asked="$(openssl ts -query -in "$golden/commit.tsq" -text 2> "$work/log")"
read_imprint="$(echo "$asked" | sed -n 's/^ *[0-9a-f]\{4\} - \(.\{47\}\).*/\1/p' | tr -d ' \n-')"
[ "$read_imprint" = "$imprint" ] || { echo "OpenSSL reads our request as one for $read_imprint, not $imprint" >&2; exit 1; }
grep -q 'Certificate required: yes' <<< "$asked" && grep -q 'Hash Algorithm: sha256' <<< "$asked"

reply "$golden/commit.tsq" granted.tsr
openssl ts -verify -queryfile "$golden/commit.tsq" -in "$golden/granted.tsr" -CAfile "$golden/root.pem" 2> "$work/log"
openssl ts -verify -data "$work/commit" -in "$golden/granted.tsr" -CAfile "$golden/root.pem" 2> "$work/log"
printf 'something else' > "$work/other"
openssl ts -query -data "$work/other" -sha256 -cert -out "$work/other.tsq" 2> "$work/log"
reply "$work/other.tsq" other.tsr
openssl ts -query -data "$work/commit" -sha512 -cert -out "$work/sha512.tsq" 2> "$work/log"
reply "$work/sha512.tsq" refused.tsr
ls -l "$golden"
