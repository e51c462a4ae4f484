namespace CudaAttribution.Tensors.Weights.Torch;

/// <summary>A flat array of elements in a PyTorch file, which tensors are views of.</summary>
/// <param name="Key">Name of its file in the archive, below <c>data/</c>.</param>
/// <param name="TypeName">PyTorch's name of the storage class.</param>
/// <param name="Type">Element type; null where this program has none for it.</param>
/// <param name="Count">Number of elements.</param>
internal sealed record TorchStorage(string Key, string TypeName, DType? Type, long Count);

/// <summary>A tensor: element <c>i, j, ...</c> is element <c>Offset + i·Strides[0] + j·Strides[1] + ...</c> of its storage.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Offset">First element.</param>
/// <param name="Shape">Extents.</param>
/// <param name="Strides">Steps in elements, one per axis.</param>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, Shape Shape, long[] Strides)
{
    private const int MaxRank = SafetensorsHeader.MaxRank;

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Shape.Rank - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected) return false;
                expected *= Shape[axis];
            }
            return true;
        }
    }

    /// <summary>A tensor all of whose elements are inside its storage.</summary>
    /// <exception cref="PickleException">An element lies outside, or the tensor is larger than its storage.</exception>
    public static TorchTensor Checked(TorchStorage storage, long offset, ReadOnlySpan<long> sizes, ReadOnlySpan<long> strides)
    {
        if (sizes.Length != strides.Length || sizes.Length > MaxRank)
        {
            throw new PickleException($"a tensor has {sizes.Length} sizes and {strides.Length} strides; as many are needed, at most {MaxRank}");
        }
        UInt128 count = 1, last = (UInt128)Math.Max(0, offset);
        bool bad = offset < 0, empty = false;
        for (int axis = 0; axis < sizes.Length; axis++)
        {
            bad |= sizes[axis] is < 0 or > int.MaxValue || strides[axis] < 0;
            if (bad) break;
            empty |= sizes[axis] == 0;
            // Neither can overflow: the product is left alone once it is larger than any storage, and at most 16 terms of 94 bits are added.
            if (count <= long.MaxValue) count *= (UInt128)sizes[axis];
            last += (UInt128)Math.Max(0, sizes[axis] - 1) * (UInt128)strides[axis];
        }
        string view = $"a tensor of sizes [{string.Join(',', sizes.ToArray())}] "
            + $"and strides [{string.Join(',', strides.ToArray())}] from element {offset}";
        if (bad || (!empty && last >= (UInt128)storage.Count))
        {
            throw new PickleException($"{view} does not lie inside its storage of {storage.Count:N0} elements: the file is damaged");
        }
        if (!empty && count > (UInt128)storage.Count)
        {
            throw new PickleException(
                $"{view} repeats the elements of its storage of {storage.Count:N0}: save it again with tensor.contiguous()");
        }
        return new TorchTensor(storage, offset, new Shape([.. sizes.ToArray().Select(s => (int)s)]), strides.ToArray());
    }
}
