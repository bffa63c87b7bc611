using System.Diagnostics;
using System.Text.Json;
using Backup.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Backup.ServiceDefaults;

/// <summary>The one place where failures become responses. A bug becomes <see cref="FailureCode.Internal"/> and its details stay in the log.</summary>
public static partial class FailureResponses
{
    /// <summary>Uses the wire's JSON for all endpoints. A body that is not what a route takes throws, so that it is answered here and not with an empty 400.</summary>
    public static IServiceCollection AddWireJson(this IServiceCollection services) => services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true).Configure<JsonOptions>(o =>
    {
        o.SerializerOptions.TypeInfoResolverChain.Insert(0, WireJson.Default);
        o.SerializerOptions.RespectNullableAnnotations = true;
        o.SerializerOptions.RespectRequiredConstructorParameters = true;
        o.SerializerOptions.AllowDuplicateProperties = false;
        o.SerializerOptions.MaxDepth = WireJson.Default.Options.MaxDepth;
    });

    /// <param name="known">What a server knows to be no bug of an exception that nobody turned into a failure: its disk, say.</param>
    public static IApplicationBuilder UseFailureResponses(this IApplicationBuilder app, string server, Func<Exception, Failure?>? known = null) => app.Use(async (http, next) =>
    {
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer.
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            await AnswerAsync(http, ToFailure(e is FailureException ? e : known?.Invoke(e)?.Exception(e) ?? e, server, http.RequestServices.GetRequiredService<ILogger<FailureBody>>()));
        }
    });

    private static Failure ToFailure(Exception e, string server, ILogger log)
    {
        switch (e)
        {
            case FailureException expected:
                LogExpected(log, expected.Failure.Code, expected.Failure.Culprit, expected.Failure.Message);
                return expected.Failure;
            case BadHttpRequestException { InnerException: FailureException inner }:
                return inner.Failure;
            case BadHttpRequestException bad:
                return Failure.InvalidRequest(bad.InnerException is JsonException json ? $"The body is not what this route takes: {json.Path}." : bad.Message);
            default:
                LogBug(log, e);
                return new Failure(FailureCode.Internal, "Something went wrong that should not.", server, $"Try again; the log of {server} has the details.");
        }
    }

    private static Task AnswerAsync(HttpContext http, Failure failure)
    {
        http.Response.Clear();
        http.Response.StatusCode = (int)failure.Status;
        if (failure.Code is FailureCode.Busy or FailureCode.MetadataUnavailable)
            http.Response.Headers.RetryAfter = "1";
        if (failure.Code is FailureCode.Unauthorized)
            http.Response.Headers.WWWAuthenticate = Shown.TokenScheme;
        Activity.Current?.SetStatus(ActivityStatusCode.Error, failure.Message);
        return http.Response.WriteAsJsonAsync(FailureBody.Of(failure, Activity.Current?.TraceId.ToString()), WireJson.Default.FailureBody, FailureBody.MediaType);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Code} ({Culprit}): {Message}")]
    private static partial void LogExpected(ILogger log, FailureCode code, string culprit, string message);

    [LoggerMessage(Level = LogLevel.Error, Message = "A bug")]
    private static partial void LogBug(ILogger log, Exception e);
}
