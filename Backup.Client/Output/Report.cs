using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backup.Protocol;

namespace Backup.Client;

/// <summary>
/// What a command says. Results go to standard output, all else to standard error; with <c>--json</c> both are JSON,
/// one document or one object a line, and nothing else.
/// </summary>
internal sealed class Report(Surroundings surroundings, GlobalChoices choices)
{
    public bool IsJson => choices.Json;

    /// <summary>A result, for a person.</summary>
    public void Line(string text)
    {
        if (!choices.Json)
            surroundings.Out.WriteLine(text);
    }

    /// <summary>A result, for a program.</summary>
    public void Json<T>(T value, JsonTypeInfo<T> type)
    {
        if (choices.Json)
            surroundings.Out.WriteLine(JsonSerializer.Serialize(value, type));
    }

    /// <summary>A summary that is left out when the person wants quiet.</summary>
    public void Summary(string text)
    {
        if (!choices.Json && !choices.Quiet)
            surroundings.Out.WriteLine(text);
    }

    /// <summary>What only some want to know.</summary>
    public void Detail(string text)
    {
        if (!choices.Json && choices.Verbose)
            surroundings.Out.WriteLine(text);
    }

    /// <summary>Something to know that is no result.</summary>
    public void Note(string text)
    {
        if (!choices.Json && !choices.Quiet)
            surroundings.Error.WriteLine(text);
    }

    /// <summary>One file could not be read, stored or restored; the rest goes on.</summary>
    public void Problem(Failure failure)
    {
        if (choices.Json)
            return;
        surroundings.Error.WriteLine($"skipped: {Safe(failure.Message)}");
        if (choices.Verbose)
            surroundings.Error.WriteLine($"advice: {Safe(failure.Advice)}");
    }

    /// <summary>Something is wrong and the command goes on to find more of it; in JSON it stands in the document.</summary>
    public void Warning(string text)
    {
        if (!choices.Json)
            surroundings.Error.WriteLine(text);
    }

    /// <summary>The command failed.</summary>
    public void Error(Failure failure)
    {
        if (choices.Json)
        {
            surroundings.Error.WriteLine(JsonSerializer.Serialize(new ErrorShape(failure), OutputJson.Default.ErrorShape));
            return;
        }
        surroundings.Error.WriteLine($"error: {Safe(failure.Message)}");
        surroundings.Error.WriteLine($"advice: {Safe(failure.Advice)}");
    }

    /// <summary>A message may quote a name, or what a server said: neither may drive the terminal.</summary>
    private static string Safe(string text) => RootedPath.Escape(text);
}
