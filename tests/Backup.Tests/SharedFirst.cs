using Xunit.Abstractions;

[assembly: TestCollectionOrderer("Backup.Tests.SharedFirst", "Backup.Tests")]

namespace Backup.Tests;

/// <summary>Many classes that share a Redis run in turn, and last longest: begun last, they would run alone at the end.</summary>
public sealed class SharedFirst : ITestCollectionOrderer
{
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection => collection.CollectionDefinition is null);
}
