using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Experiments.Units;

/// <summary>The inputs of a unit, taken one after another in the order that its kind states.</summary>
internal sealed class UnitInputs(UnitWork work)
{
    private int _next;

    /// <summary>Refuses a unit that has not as many inputs as its settings ask for.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="expected">What each input is.</param>
    public static void Check(WorkUnit unit, params IEnumerable<string> expected)
    {
        string[] wanted = [.. expected];
        if (unit.Inputs.Count != wanted.Length)
            throw new UserException(
                $"{unit.Inputs.Count} inputs were given to a unit of kind '{unit.Kind}'", $"Give {wanted.Length}: {string.Join(", ", wanted)}.", unit.Id);
    }

    /// <summary>The input that a data set takes, if it takes one.</summary>
    public static IEnumerable<string> OfData(DataSpec? data) => data is null or { IsEmbedded: true } ? [] : [$"the data '{data.Set}'"];

    /// <summary>Where the next input is.</summary>
    public string Next() => work.Inputs[_next++];

    /// <summary>The keys of the next input: a result of <see cref="KeysKind"/>, or a folder of keys.</summary>
    public KeySet Keys()
    {
        string input = Next();
        return KeySet.Load(File.Exists(Path.Combine(input, KeySet.FileName)) ? input : Path.Combine(input, KeySet.FolderName));
    }

    /// <summary>The pictures that are meant, of the next input where they are not the program's own.</summary>
    /// <param name="data">Which; of an input, the set's path in it.</param>
    /// <param name="size">Side of the squares they become.</param>
    /// <param name="onBadImage">What happens to a damaged picture.</param>
    public CaptionedDataset Data(DataSpec data, int size, BadImagePolicy onBadImage = BadImagePolicy.Fail)
    {
        if (data.IsEmbedded) return data.Load(size);
        string id = work.Unit.Inputs[_next];
        // Where a store lies must not get into a result.
        return new CaptionedDataset(id, data.Load(size, Next(), onBadImage).Items);
    }

    /// <summary>Asks models with answers that outlive a kill and are gone when the unit has its result.</summary>
    /// <param name="use">Asks, and writes the result.</param>
    public void WithAnswers(Action<AnswerStore> use)
    {
        using (var store = AnswerStore.Of(work.Folder)) use(store);
        AnswerStore.Remove(work.Folder);
    }
}
