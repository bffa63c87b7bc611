// The topology of the cluster, and the only description of it. It is an Aspire AppHost; where the Aspire packages
// cannot be restored, Backup.LocalHosting understands the same calls (docs/adr, build/AspireHosting.props).
using Backup.AppHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

Interrupt.Heed();
try
{
    var builder = DistributedApplication.CreateBuilder(args);
    if (!ClusterOptions.TryRead(builder.Configuration, Path.Combine(builder.AppHostDirectory, ".."), out var cluster, out var problem))
        throw new BadSettingException(problem);
    using var data = DataDirectory.Open(cluster);

    // No process starts without it.
    var clusterKey = Secret("cluster-key", "cluster.key");
    // One switch: a private authority is made with the data, and everything trusts it.
    var tls = cluster.Tls ? PrivateAuthority.ReadOrMake(cluster.DataDirectory) : null;
    // All of it listens on loopback only, where whoever can connect may enrol without a question. A process that is told to
    // listen elsewhere refuses to start with this setting.
    var enrolment = builder.Configuration["Security:Enrolment"] ?? "loopback";

    // Not proxied either, and for the same reason as the nodes below.
    var managers = Enumerable.Range(1, cluster.Managers).Select(number =>
        builder.AddProject<Projects.Backup_Manager>(ClusterOptions.ManagerName(number), options => options.ExcludeLaunchProfile = true)
            .WithEndpoint(port: cluster.ManagerPort(number), scheme: cluster.Scheme, name: "http", isProxied: false)
            .WithHealthCheck(Ready(ClusterOptions.ManagerName(number), cluster.ManagerPort(number)))
            .WithEnvironment("Cluster__Copies", cluster.Copies.ToString())).ToList();
    if (cluster.RepairGrace is { } grace)
        managers.ForEach(manager => manager.WithEnvironment("Cluster__RepairGrace", grace.ToString()));
    if (cluster.OnMissingCopies is { } policy)
        managers.ForEach(manager => manager.WithEnvironment("Cluster__OnMissingCopies", policy));

    switch (cluster.Redis)
    {
        case RedisKind.Embedded:
            var password = Secret("redis-password", "redis.password");
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration("redis-ping", _ => new RedisPing(cluster.RedisPort, password.Resource, tls), null, null));
            var redis = builder.AddProject<Projects.Backup_EmbeddedRedis>("redis", options => options.ExcludeLaunchProfile = true)
                .WithEndpoint(port: cluster.RedisPort, scheme: "tcp", name: "tcp", isProxied: false)
                .WithArgs("--port", cluster.RedisPort.ToString(), "--data", cluster.RedisDirectory)
                .WithEnvironment("Redis__Password", password)
                .WithHealthCheck("redis-ping");
            Common(redis);
            Certified(redis);
            var address = ReferenceExpression.Create($"127.0.0.1:{cluster.RedisPort.ToString()},password={password}{(tls is null ? "" : ",ssl=true")}");
            managers.ForEach(manager => manager.WithEnvironment("ConnectionStrings__redis", address).WaitFor(redis));
            break;

        case RedisKind.Container:
            // On disk before it is answered, as the embedded one.
            var container = builder.AddRedis("redis", password: Secret("redis-password", "redis.password"))
                .WithDataBindMount(cluster.RedisDirectory)
                .WithArgs("--appendonly", "yes", "--appendfsync", "always");
            managers.ForEach(manager => manager.WithReference(container).WaitFor(container));
            break;

        case RedisKind.External:
            var external = builder.AddConnectionString("redis");
            managers.ForEach(manager => manager.WithReference(external));
            break;
    }

    foreach (var manager in managers)
    {
        Common(manager);
        Secured(manager);
        PassOn("Manager", manager, "Cluster");
    }
    for (var number = 1; number <= cluster.Nodes; number++)
    {
        var id = "node-" + number;
        var url = cluster.Scheme + "://localhost:" + cluster.NodePort(number);
        // Not proxied: behind a proxy a node that is down would hang instead of refusing, and nobody would turn to another.
        var node = builder.AddProject<Projects.Backup_Storage>(id, options => options.ExcludeLaunchProfile = true)
            .WithEndpoint(port: cluster.NodePort(number), scheme: cluster.Scheme, name: "http", isProxied: false)
            .WithHealthCheck(Ready(id, cluster.NodePort(number)))
            .WithEnvironment("Node__Id", id)
            .WithEnvironment("Node__DataDirectory", cluster.NodeDirectory(number))
            .WithEnvironment("Node__Address", url);
        managers.ForEach(manager => node.WithReference(manager).WaitFor(manager));
        Common(node);
        Secured(node);
        PassOn("Node", node, "Node");
    }

    builder.Services.AddSingleton(cluster);
    builder.Services.AddHostedService<StartReport>();
    builder.Build().Run();
    return Environment.ExitCode;

    // Generated once and kept with the data; Parameters:NAME gives another.
    IResourceBuilder<ParameterResource> Secret(string name, string file) =>
        builder.AddParameter(name, builder.Configuration["Parameters:" + name] ?? SecretFile.ReadOrMake(Path.Combine(cluster.DataDirectory, file)), secret: true);

    void Secured(IResourceBuilder<ProjectResource> project)
    {
        project.WithEnvironment("Security__ClusterKey", clusterKey).WithEnvironment("Security__Enrolment", enrolment);
        Certified(project);
    }

    void Certified(IResourceBuilder<ProjectResource> project)
    {
        if (tls is not null)
        {
            project.WithEnvironment("Tls__CertificateFile", tls.CertificateFile).WithEnvironment("Tls__KeyFile", tls.KeyFile)
                .WithEnvironment("Tls__AuthorityFile", tls.AuthorityFile);
        }
    }

    // The same question whether it is asked over TLS or not.
    string Ready(string name, int port)
    {
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(name + "-ready", _ => new ReadyPing(new Uri($"{cluster.Scheme}://localhost:{port}/health"), tls), null, null));
        return name + "-ready";
    }

    void Common(IResourceBuilder<ProjectResource> project) => project
        // Aspire does not pass these on.
        .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
        .WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
        // With nobody at the other end (under tests) the default of ten seconds would be the time it takes to stop.
        .WithEnvironment("OTEL_EXPORTER_OTLP_TIMEOUT", builder.Configuration["OTEL_EXPORTER_OTLP_TIMEOUT"] ?? "1000");

    // Settings of every manager and of every node go through as they are; each process checks its own.
    void PassOn(string section, IResourceBuilder<ProjectResource> project, string theirSection)
    {
        foreach (var setting in builder.Configuration.GetSection(section).GetChildren().Where(setting => setting.Value is not null))
            project.WithEnvironment($"{theirSection}__{setting.Key}", setting.Value!);
    }
}
catch (BadSettingException bad)
{
    Console.Error.WriteLine(bad.Message);
    return 1;
}
