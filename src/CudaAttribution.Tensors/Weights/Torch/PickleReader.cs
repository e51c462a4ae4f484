using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace CudaAttribution.Tensors.Weights.Torch;

/// <summary>
/// Reads a pickle of protocol 2 to 5 as data: strings, numbers, lists, tuples and dicts are made, everything else is up to an
/// <see cref="IPickleHost"/>. Nothing is executed. A pickle that is damaged, or too large to be a list of tensors, is refused; there is no recursion
/// and no opcode that makes much out of few bytes.
/// </summary>
internal sealed class PickleReader
{
    /// <summary>A checkpoint of Stable Diffusion with its optimiser has some 200,000 operations and 100,000 values.</summary>
    private const int MaxOperations = 10_000_000, MaxValues = 1_000_000;

    private readonly byte[] _data;
    private readonly IPickleHost _host;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _at, _values;

    private PickleReader(byte[] data, IPickleHost host) => (_data, _host) = (data, host);

    /// <summary>
    /// The value that a pickle describes: null, bool, long, double, string, <c>object[]</c> for a tuple, <c>List</c>, or one of the host's.
    /// </summary>
    /// <exception cref="PickleException">It is damaged or refused; the message says where.</exception>
    public static object? Read(byte[] data, IPickleHost host)
    {
        var reader = new PickleReader(data, host);
        try
        {
            return reader.Run();
        }
        catch (PickleException e)
        {
            throw new PickleException($"{e.Message} (byte {reader._at:N0} of its pickle)");
        }
    }

    private object? Run()
    {
        for (int operations = 0; operations < MaxOperations; operations++)
        {
            byte code = Bytes(1)[0];
            if (code == (byte)'.') return Pop();
            if (!ReadValue(code) && !ReadContainer(code) && !ReadMemo(code) && !ReadObject(code))
            {
                throw new PickleException($"the pickle has operation 0x{code:x2}, which torch.save does not write: the file is damaged");
            }
        }
        throw TooLarge("operations");
    }

    /// <summary>Numbers, strings and what else stands in the pickle itself.</summary>
    private bool ReadValue(byte code)
    {
        switch (code)
        {
            case 0x80: // PROTO
                if (Bytes(1)[0] is var protocol and (< 2 or > 5)) throw new PickleException($"the pickle is of protocol {protocol}, 2 to 5 are read");
                break;
            case 0x95: // FRAME
                if (BinaryPrimitives.ReadInt64LittleEndian(Bytes(8)) is var frame && (frame < 0 || frame > _data.Length - _at)) throw Truncated();
                break;
            case (byte)'N':
                Push(null);
                break;
            case 0x88: // NEWTRUE
                Push(true);
                break;
            case 0x89: // NEWFALSE
                Push(false);
                break;
            case (byte)'J': // BININT
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4)));
                break;
            case (byte)'K': // BININT1
                Push((long)Bytes(1)[0]);
                break;
            case (byte)'M': // BININT2
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)));
                break;
            case 0x8a: // LONG1
                Push(Integer(Bytes(Bytes(1)[0])));
                break;
            case 0x8b: // LONG4
                Push(Integer(Bytes(Length(4))));
                break;
            case (byte)'G': // BINFLOAT
                Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)));
                break;
            case 0x8c: // SHORT_BINUNICODE
                Push(Text(Length(1)));
                break;
            case (byte)'X': // BINUNICODE
                Push(Text(Length(4)));
                break;
            case 0x8d: // BINUNICODE8
                Push(Text(Length(8)));
                break;
            case (byte)'C': // SHORT_BINBYTES
                Skip(Length(1));
                break;
            case (byte)'B': // BINBYTES
                Skip(Length(4));
                break;
            case 0x8e: // BINBYTES8
            case 0x96: // BYTEARRAY8
                Skip(Length(8));
                break;
            default:
                return false;
        }
        return true;
    }

    private bool ReadContainer(byte code)
    {
        switch (code)
        {
            case (byte)'(': // MARK
                _marks.Add(_stack.Count);
                break;
            case (byte)']': // EMPTY_LIST
                Push(new List<object?>());
                break;
            case (byte)'l': // LIST
                Push(new List<object?>(PopMark()));
                break;
            case (byte)'a': // APPEND
                Append([Pop()]);
                break;
            case (byte)'e': // APPENDS
                Append(PopMark());
                break;
            case (byte)')': // EMPTY_TUPLE
                Push(Array.Empty<object?>());
                break;
            case (byte)'t': // TUPLE
                Push(PopMark());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1 to TUPLE3
                var tuple = new object?[code - 0x84];
                for (int i = tuple.Length - 1; i >= 0; i--) tuple[i] = Pop();
                Push(tuple);
                break;
            case (byte)'}': // EMPTY_DICT
                Push(new PickleDict());
                break;
            case (byte)'d': // DICT
                var items = PopMark();
                Push(new PickleDict());
                SetItems(items);
                break;
            case (byte)'s': // SETITEM
                object? value = Pop(), key = Pop();
                SetItems([key, value]);
                break;
            case (byte)'u': // SETITEMS
                SetItems(PopMark());
                break;
            case 0x8f: // EMPTY_SET
                Push(new PickleOpaque("set"));
                break;
            case 0x90: // ADDITEMS
                _ = PopMark();
                _ = Top();
                break;
            case 0x91: // FROZENSET
                _ = PopMark();
                Push(new PickleOpaque("frozenset"));
                break;
            default:
                return false;
        }
        return true;
    }

    /// <summary>The stack itself and the memo.</summary>
    private bool ReadMemo(byte code)
    {
        switch (code)
        {
            case (byte)'0': // POP
                if (_marks.Count > 0 && _marks[^1] == _stack.Count) _marks.RemoveAt(_marks.Count - 1);
                else _ = Pop();
                break;
            case (byte)'1': // POP_MARK
                _ = PopMark();
                break;
            case (byte)'2': // DUP
                _stack.Add(Top());
                break;
            case (byte)'q': // BINPUT
                Memorise(Bytes(1)[0]);
                break;
            case (byte)'r': // LONG_BINPUT
                Memorise(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)));
                break;
            case 0x94: // MEMOIZE
                Memorise(_memo.Count);
                break;
            case (byte)'h': // BINGET
                Recall(Bytes(1)[0]);
                break;
            case (byte)'j': // LONG_BINGET
                Recall(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)));
                break;
            default:
                return false;
        }
        return true;
    }

    /// <summary>Names, calls and outside references.</summary>
    private bool ReadObject(byte code)
    {
        switch (code)
        {
            case (byte)'c': // GLOBAL
                Push(_host.Global(Line(), Line()));
                break;
            case 0x93: // STACK_GLOBAL
                object? name = Pop(), module = Pop();
                Push(name is string n && module is string m
                    ? _host.Global(m, n)
                    : throw new PickleException("a name in the pickle is not text: the file is damaged"));
                break;
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                object? arguments = Pop();
                Push(Call(Pop(), arguments, construct: code == 0x81));
                break;
            case 0x92: // NEWOBJ_EX
                _ = Pop();
                object? positional = Pop();
                Push(Call(Pop(), positional, construct: true));
                break;
            case (byte)'o': // OBJ
                var parts = PopMark();
                if (parts.Length == 0) throw new PickleException("an object in the pickle has no class: the file is damaged");
                Push(Call(parts[0], parts[1..], construct: true));
                break;
            case (byte)'i': // INST
                var made = _host.Global(Line(), Line());
                Push(Call(made, PopMark(), construct: true));
                break;
            case (byte)'b': // BUILD: an object's state, which only a module keeps
                object? state = Pop();
                if (Top() is PickleModule script && state is PickleDict attributes) script.Attributes = attributes;
                break;
            case (byte)'Q': // BINPERSID
                Push(_host.Persistent(Pop()));
                break;
            default:
                return false;
        }
        return true;
    }

    private object? Call(object? callable, object? arguments, bool construct)
    {
        if (arguments is not object?[] tuple) throw new PickleException("a call in the pickle has no tuple of arguments: the file is damaged");
        return callable switch
        {
            PickleGlobal global when construct => _host.Construct(global),
            PickleGlobal global => _host.Call(global, tuple),
            PickleOpaque opaque => opaque,
            _ => throw new PickleException("the pickle calls something that is no function: the file is damaged"),
        };
    }

    private void Append(ReadOnlySpan<object?> items)
    {
        switch (Top())
        {
            case List<object?> list:
                list.AddRange(items);
                break;
            case PickleOpaque:
                break;
            default:
                throw new PickleException("the pickle appends to something that is no list: the file is damaged");
        }
    }

    private void SetItems(ReadOnlySpan<object?> items)
    {
        if (items.Length % 2 != 0) throw new PickleException("a dict in the pickle has a key without a value: the file is damaged");
        switch (Top())
        {
            case PickleDict dict:
                for (int i = 0; i < items.Length; i += 2) dict.Set(items[i], items[i + 1]);
                break;
            case PickleOpaque:
                break;
            default:
                throw new PickleException("the pickle sets an item of something that is no dict: the file is damaged");
        }
    }

    private void Push(object? value)
    {
        if (++_values > MaxValues) throw TooLarge("values");
        _stack.Add(value);
    }

    private void Memorise(long index)
    {
        _memo[index] = Top();
        if (_memo.Count > MaxValues) throw TooLarge("values to come back to");
    }

    private void Recall(long index) => _stack.Add(_memo.TryGetValue(index, out object? value)
        ? value
        : throw new PickleException($"the pickle refers to value {index}, which it does not have: the file is damaged"));

    private object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object? Top()
    {
        int floor = _marks.Count > 0 ? _marks[^1] : 0;
        return _stack.Count > floor ? _stack[^1] : throw new PickleException("the pickle takes a value that is not there: the file is damaged");
    }

    private object?[] PopMark()
    {
        if (_marks.Count == 0) throw new PickleException("the pickle ends a group that it did not begin: the file is damaged");
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        object?[] items = CollectionsMarshal.AsSpan(_stack)[mark..].ToArray();
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _data.Length - _at) throw Truncated();
        _at += count;
        return _data.AsSpan(_at - count, count);
    }

    /// <summary>A length of 1, 4 or 8 bytes.</summary>
    private int Length(int bytes)
    {
        ulong length = 0;
        var field = Bytes(bytes);
        for (int i = bytes - 1; i >= 0; i--) length = (length << 8) | field[i];
        return length <= (ulong)(_data.Length - _at) ? (int)length : throw Truncated();
    }

    private string Text(int bytes) => Encoding.UTF8.GetString(Bytes(bytes));

    private void Skip(int bytes)
    {
        _ = Bytes(bytes);
        Push(new PickleOpaque("bytes"));
    }

    /// <summary>A signed little-endian number; one of more than 64 bits, which no tensor needs, is not made.</summary>
    private static object Integer(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8) return new PickleOpaque("int");
        long value = bytes.Length > 0 && bytes[^1] >= 0x80 ? -1 : 0;
        for (int i = bytes.Length - 1; i >= 0; i--) value = (value << 8) | bytes[i];
        return value;
    }

    private string Line()
    {
        int length = _data.AsSpan(_at).IndexOf((byte)'\n');
        if (length < 0) throw Truncated();
        string line = Text(length);
        _at++;
        return line;
    }

    private static PickleException TooLarge(string what) =>
        new($"the pickle has more than {(what == "operations" ? MaxOperations : MaxValues):N0} {what}, which no list of tensors needs");

    private static PickleException Truncated() => new("the pickle ends in the middle of a value: the file is truncated or damaged");
}
