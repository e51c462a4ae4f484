namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>One published way of laying out captioned pictures in files, and its reader.</summary>
internal interface IDatasetLayout
{
    /// <summary>Its name, for messages.</summary>
    string Name { get; }

    /// <summary>The file that shows that a set is laid out so, by its name below the set, or null where it is not.</summary>
    string? Sign(DatasetPath set);

    /// <summary>Reads a set that has the sign.</summary>
    /// <exception cref="DatasetException">Anything wrong with its files, or (under Fail) a picture.</exception>
    CaptionedDataset Load(DatasetPath set, LoadOptions options);
}
