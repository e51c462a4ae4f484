#:project ../src/CudaAttribution.Data/CudaAttribution.Data.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
// Which PNG files of two folders hold other pixels: dotnet run build/compare-pictures.cs -- FOLDER FOLDER
// Those of the stores answers/ and units/ do not count.
// One line for each, and for each that only one folder has; exit code 0: none; 1: some; 2: wrong usage or a file that is no picture.
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: dotnet run build/compare-pictures.cs -- FOLDER FOLDER");
    return 2;
}
string[][] names = [.. args.Select(folder => Directory.GetFiles(folder, "*.png", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f))
    .Where(f => !(f.StartsWith("answers/") && File.Exists(Path.Combine(folder, "answers/answers.jsonl"))))
    .Where(f => !(f.StartsWith("units/") && File.Exists(Path.Combine(folder, "units/store.json")))).ToArray())];
var lines = new List<string>();
for (int i = 0; i < 2; i++) lines.AddRange(names[i].Except(names[1 - i]).Select(name => $"Only in {args[i]}: {name}"));
foreach (string name in names[0].Intersect(names[1]))
{
    byte[][] files = [.. args.Select(folder => File.ReadAllBytes(Path.Combine(folder, name)))];
    if (files[0].AsSpan().SequenceEqual(files[1])) continue;
    RgbaImage[] pictures = new RgbaImage[2];
    for (int i = 0; i < 2; i++)
    {
        try
        {
            pictures[i] = ImageCodecs.Decode(files[i]);
        }
        catch (ImageDecodeException e)
        {
            Console.Error.WriteLine($"{Path.Combine(args[i], name)}: {e.Message}");
            return 2;
        }
    }
    if (pictures[0].Width != pictures[1].Width || !pictures[0].Pixels.AsSpan().SequenceEqual(pictures[1].Pixels)) lines.Add($"Pixels differ: {name}");
}
foreach (string line in lines.Order(StringComparer.Ordinal)) Console.WriteLine(line);
return lines.Count == 0 ? 0 : 1;
