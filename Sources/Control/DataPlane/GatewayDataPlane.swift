import Gateway
package import Linux
import OpenSSL

/// The gateway's workers as the service of a data plane process.
package final class GatewayDataPlane: DataPlaneService {
    private var service: GatewayService?
    private var tickets: TicketKeys?

    package init() {}

    /// Has the memory of bursts go back to the kernel. Loads OpenSSL, its configuration and providers, and seeds its
    /// generator: inside the sandbox no file opens.
    package func prepare() throws {
        Allocator.giveBackLargeBlocks()
        _ = try TLSContext(server: TLSContext.ServerSettings())
        _ = try TicketKeys()
    }

    package func start(_ configuration: DataPlaneConfiguration, in environment: DataPlaneEnvironment) throws {
        let snapshot = try GatewaySnapshot(encoded: configuration.plan)
        guard let segment = environment.segments[GatewayMemory.segmentName] else { throw MissingMemory() }
        let memory = try GatewayMemory(segment, snapshot.shape)
        let service = GatewayService(
            workers: snapshot.shape.layout.workers,
            state: memory.state(berth: environment.berth),
            rings: memory.rings(berth: environment.berth),
            heartbeats: environment.heartbeats
        )
        let publication = try Self.publication(snapshot, configuration)
        try service.start(publication)
        self.service = service
        tickets = publication.tickets
    }

    package func publish(_ configuration: DataPlaneConfiguration) throws {
        let snapshot = try GatewaySnapshot(encoded: configuration.plan)
        let publication = try Self.publication(snapshot, configuration)
        try service?.publish(publication)
        tickets = publication.tickets
    }

    package func sessionKeys() throws -> SecretBytes? { try tickets?.sealed() }

    package func drain(deadlineMilliseconds: Int) {
        service?.drain(milliseconds: UInt64(max(0, deadlineMilliseconds)))
    }

    package var isDrained: Bool { service?.isDrained ?? true }

    private static func publication(
        _ snapshot: GatewaySnapshot,
        _ configuration: DataPlaneConfiguration
    ) throws -> Publication {
        let keys = try GatewayKeys(configuration.keys)
        return Publication(
            plan: snapshot.plan,
            certificates: keys.keyring.generations(for: snapshot.plan),
            tickets: keys.tickets,
            sockets: snapshot.addresses.mapValues { $0.compactMap { configuration.listeners[$0] } }
        )
    }
}

/// Control gave no memory for counters and logs.
private struct MissingMemory: Error, CustomStringConvertible {
    var description: String { "the control plane gave no shared memory" }
}
