// Makes the Parquet files of tests/CudaAttribution.Data.Tests/files/parquet with the Rust crate parquet, and reads them back with hyparquet, which is
// written in JavaScript: neither shares code with the reader under test. Run by hand, in a folder with
//   npm install parquet-wasm@0.8.0 apache-arrow@21.2.0 hyparquet@1.31.5 hyparquet-compressors@1.1.2
//   node make_parquet.mjs REPOSITORY
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import assert from "node:assert";

const require = createRequire(join(process.cwd(), "x.js"));
const wasm = require("parquet-wasm/node"), arrow = require("apache-arrow");
const hyparquet = await import(require.resolve("hyparquet"));
const { compressors } = await import(require.resolve("hyparquet-compressors"));

const files = join(process.argv[2], "tests/CudaAttribution.Data.Tests/files"), out = join(files, "parquet");
const names = ["area.png", "colour.jpg", "lossless.webp", "area_2_2.png", "grey.jpg"];
const picture = name => new Uint8Array(readFileSync(join(files, name)));

const imageType = new arrow.Struct([new arrow.Field("bytes", new arrow.Binary(), true), new arrow.Field("path", new arrow.Utf8(), true)]);

function table(columns) {
  const vectors = Object.fromEntries(Object.entries(columns).map(([name, [values, type]]) => [name, arrow.vectorFromArray(values, type)]));
  return new arrow.Table(vectors);
}

async function write(name, columns, options = {}) {
  let properties = new wasm.WriterPropertiesBuilder().setCompression(options.compression ?? wasm.Compression.SNAPPY);
  if (options.rows) properties = properties.setMaxRowGroupSize(options.rows);
  if (options.page) properties = properties.setDataPageSizeLimit(options.page).setWriteBatchSize(1);
  if (options.dictionary !== undefined) properties = properties.setDictionaryEnabled(options.dictionary);
  if (options.version) properties = properties.setWriterVersion(options.version);
  const source = table(columns);
  const bytes = wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(source, "stream")), properties.build());
  writeFileSync(join(out, name), bytes);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const rows = await hyparquet.parquetReadObjects({ file, compressors, utf8: false });
  const same = (a, b) => a instanceof Uint8Array ? Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0
    : a && typeof a === "object" ? Object.keys(a).every(k => same(a[k], b[k])) : (a ?? null) === (b ?? null);
  for (const [column, [values]] of Object.entries(columns))
    rows.forEach((row, i) => assert(same(values[i], row[column]), `${name} ${column} ${i}: ${values[i]} ${row[column]}`));
  assert.equal(rows.length, Object.values(columns)[0][0].length);
  const groups = (await hyparquet.parquetMetadata(file)).row_groups.length;
  console.log(name, bytes.length, "bytes,", rows.length, "rows,", groups, "row groups");
}

const images = list => [list.map(n => n && { bytes: picture(n), path: n }), imageType];
const texts = list => [list, new arrow.Utf8()];
const whole = list => [list.map(BigInt), new arrow.Int64()];

// As the library datasets writes a split of two files; a caption and a picture are missing. Small pages and groups, so that there are several.
await write("train-00000-of-00002.parquet", {
  image: images([...names.slice(0, 4), null]), text: texts(["first", "second é", null, "fourth", "fifth"]), label: whole([7, -1, 2, 3, 4]),
}, { rows: 2, page: 200 });
await write("train-00001-of-00002.parquet", {
  image: images(["grey.jpg"]), text: texts(["sixth"]), label: whole([5]),
}, { compression: wasm.Compression.ZSTD });
// A plain column of bytes, repeated captions in a dictionary over several pages, pages of the second version.
await write("flat.parquet", {
  image: [names.map(picture), new arrow.Binary()], prompt: texts(["same", "same", "other", "same", "other"]), count: [[1, 2, 3, 4, 5], new arrow.Int32()],
}, { compression: wasm.Compression.GZIP, version: wasm.WriterVersion.V2, page: 300 });
await write("plain.parquet", {
  jpg: [names.map(picture), new arrow.Binary()], caption: texts(["a", "b", "c", "d", "e"]),
}, { compression: wasm.Compression.UNCOMPRESSED, dictionary: false });
await write("metadata.parquet", {
  file_name: texts(["images/b.png", "a.png"]), caption: texts(["a bee", "an ant"]), legs: [[6, 6], new arrow.Int32()], note: texts(["flies", null]),
});
await write("two.parquet", { image: images(["grey.jpg"]), text: texts(["x"]), caption: texts(["y"]) });
await write("none.parquet", { picture: images(["grey.jpg"]), text: texts(["x"]) });
