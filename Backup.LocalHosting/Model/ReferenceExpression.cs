using System.Runtime.CompilerServices;

namespace Backup.LocalHosting;

/// <summary>Something whose value is known when the application runs.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>A text with values in it that are asked for only when it is used, so that a secret stands nowhere before.</summary>
public sealed class ReferenceExpression : IValueProvider
{
    private readonly IReadOnlyList<Func<CancellationToken, ValueTask<string?>>> parts;

    private ReferenceExpression(IReadOnlyList<Func<CancellationToken, ValueTask<string?>>> parts) => this.parts = parts;

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => new(handler.Parts);

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var text = "";
        foreach (var part in parts)
            text += await part(cancellationToken);
        return text;
    }

    /// <summary>What the compiler makes of <c>$"…"</c>.</summary>
    [InterpolatedStringHandler]
    public ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        internal List<Func<CancellationToken, ValueTask<string?>>> Parts { get; } = new(literalLength > 0 ? 2 * formattedCount + 1 : formattedCount);

        public readonly void AppendLiteral(string value) => Parts.Add(_ => ValueTask.FromResult<string?>(value));

        public readonly void AppendFormatted(string? value) => Parts.Add(_ => ValueTask.FromResult(value));

        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider
        {
            var provider = valueProvider.Resource;
            Parts.Add(provider.GetValueAsync);
        }
    }
}
