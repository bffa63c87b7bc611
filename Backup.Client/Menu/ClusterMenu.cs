using Backup.Protocol;

namespace Backup.Client;

/// <summary>The cluster in the menu: its nodes, what happened, and what whoever looks after it may do.</summary>
internal sealed class ClusterMenu(Session session, Screen screen)
{
    private const int EventsShown = 50;

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            var status = await ClusterStatusCommand.AskAsync(session, ct);
            screen.Panel("Cluster", ClusterText.Lines(status));
            var what = await screen.PickAsync("Cluster", [new Choice<string>("Look again", "again"), new Choice<string>("What happened", "events"),
                new Choice<string>("What would the death of a node mean?", "what-if"), new Choice<string>("Repair: make copies that are owed now", "repair"),
                new Choice<string>("Rebalance: even the file counts", "rebalance"), new Choice<string>("Empty a node, or stop that", "drain"), new Choice<string>("Clients: when they backed up last", "clients")], ct);
            if (what is null)
                return;
            if (what == "again")
                continue;
            await DoAsync(what, status, ct);
            await screen.PauseAsync(ct);
        }
    }

    private async Task DoAsync(string what, ClusterStatus status, CancellationToken ct)
    {
        var cluster = session.ConnectAsNobody();
        switch (what)
        {
            case "events":
                var reply = await cluster.AskAsync(node => node.EventsAsync(new EventsRequest(0, EventsShown), ct), ct);
                screen.Panel("What happened", reply.Events.Length == 0 ? ["nothing yet"] : reply.Events.Select(e => ClusterText.Event(e, session.Surroundings.Time)));
                break;
            case "what-if":
                if (await PickNodeAsync(status, ct) is { } imagined)
                    screen.Panel($"Without {imagined.Id}", ClusterText.WhatIf(await cluster.WhatIfAsync(imagined.Id, ct)));
                break;
            case "repair":
                var last = await cluster.AskAsync(node => node.RepairStatusAsync(ct), ct);
                var repair = await cluster.AskAsync(node => node.RepairAsync(ct), ct);
                screen.Panel("Repair", ClusterText.Repair(await ClusterRepairCommand.WaitAsync(session, cluster, "Repairing", repair, last.StartedMs, ct), session.Surroundings.Time));
                break;
            case "rebalance":
                screen.Panel("How even they are", ClusterText.Evenness(status));
                if (await screen.ConfirmAsync("Move files?", ct))
                {
                    var earlier = await cluster.AskAsync(node => node.RepairStatusAsync(ct), ct);
                    var moving = await cluster.AskAsync(node => node.RebalanceAsync(ct), ct);
                    screen.Panel("Rebalance", ClusterText.Repair(await ClusterRepairCommand.WaitAsync(session, cluster, "Rebalancing", moving, earlier.StartedMs, ct), session.Surroundings.Time));
                }
                break;
            case "drain":
                await DrainAsync(cluster, status, ct);
                break;
            case "clients":
                await ClientsAsync(cluster, ct);
                break;
        }
    }

    private async Task DrainAsync(ClusterConnection cluster, ClusterStatus status, CancellationToken ct)
    {
        if (await PickNodeAsync(status, ct) is not { } picked)
            return;
        var isDraining = picked.State == NodeState.Draining;
        if (!await screen.ConfirmAsync(isDraining ? $"Let {picked.Id} take files again?" : $"Empty {picked.Id}, so that it can be taken away?", ct))
            return;
        var after = await cluster.AskAsync(node => node.DrainAsync(new DrainRequest(picked.Id, !isDraining), ct), ct);
        screen.Panel("Nodes", ClusterText.Nodes(after).Lines());
    }

    private async Task ClientsAsync(ClusterConnection cluster, CancellationToken ct)
    {
        var clients = (await cluster.AskAsync(node => node.ClientsAsync(ct), ct)).Clients;
        screen.Panel("Clients", clients.Length == 0 ? ["none has told of a backup yet"] : ClientText.Lines(clients, session.Surroundings.Time));
        var strange = clients.Where(client => client.Unusual is not null).ToList();
        if (strange.Count == 0 || await screen.PickAsync("Whose backup is fine after all?", [.. strange.Select(client => new Choice<ClientStanding>(client.Client.ToString(), client))], ct) is not { } picked
            || !await screen.ConfirmAsync("Does retention go on for it?", ct))
            return;
        await cluster.AskAsync(node => node.FineAsync(new FineRequest(picked.Client), ct), ct);
        screen.Line($"Retention goes on for {picked.Client}.");
    }

    private Task<NodeStatus?> PickNodeAsync(ClusterStatus status, CancellationToken ct) => screen.PickAsync("Which node?",
        [.. status.Nodes.OrderBy(node => node.Id).Select(node => new Choice<NodeStatus>($"{node.Id}  {node.State.ToString().ToLowerInvariant()}  {Sizes.Count(node.Files, "file")}", node))], ct);
}
