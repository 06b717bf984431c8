import Gateway
package import Linux
import OpenSSL

/// The gateway's workers as the service of a data plane process.
package final class GatewayDataPlane: DataPlaneService {
    private var service: GatewayService?
    private var publication: Publication?
    private var keyring = Keyring([:])
    private var roll = CertificateRoll()

    package init() {}

    /// Has the memory of bursts go back to the kernel, and the workers be given a core as soon as a client has something for
    /// them. Loads OpenSSL, its configuration and providers, and seeds its generator: inside the sandbox no file opens.
    package func prepare() throws {
        Allocator.giveBackLargeBlocks()
        Thread.takeShortTurns()
        _ = try TLSContext(server: TLSContext.ServerSettings())
        _ = try TicketKeys()
    }

    package func start(_ configuration: DataPlaneConfiguration, in environment: DataPlaneEnvironment) throws {
        let snapshot = try GatewaySnapshot(encoded: configuration.plan)
        guard let segment = environment.segments[GatewayMemory.segmentName] else { throw MissingMemory() }
        let memory = try GatewayMemory(segment, snapshot.shape)
        let service = try GatewayService(
            workers: snapshot.shape.layout.workers,
            state: memory.state(berth: environment.berth),
            rings: memory.rings(berth: environment.berth),
            heartbeats: environment.heartbeats
        )
        let (publication, keyring) = try assemble(snapshot, configuration)
        try service.start(publication)
        self.service = service
        self.publication = publication
        self.keyring = keyring
    }

    package func publish(_ configuration: DataPlaneConfiguration) throws {
        let snapshot = try GatewaySnapshot(encoded: configuration.plan)
        let (publication, keyring) = try assemble(snapshot, configuration)
        try service?.publish(publication)
        roll.change(from: self.keyring, to: keyring)
        self.publication = publication
        self.keyring = keyring
    }

    package func change(_ sealed: SecretBytes) throws -> UInt64 {
        guard let service, var publication else { throw GatewayKeysError() }
        let keys = try GatewayKeys(sealed)
        // Here, and not in a handshake of the worker that comes first.
        let new = keys.keyring.sharing(with: keyring)
        var fresh = keyring
        for (name, bundles) in new.certificates {
            fresh.certificates[name] = bundles
            fresh.trials[name] = new.trials[name]
            for bundle in new.offered(name) { bundle.prepare() }
        }
        let generations = fresh.generations(
            for: publication.plan,
            changed: Set(keys.keyring.certificates.keys),
            since: keyring,
            publication.certificates
        )
        let moment = service.change(CertificateChange(certificates: generations, tickets: keys.tickets))
        publication.certificates.merge(generations) { $1 }
        publication.tickets = keys.tickets
        roll.change(from: keyring, to: fresh)
        // What the workers have let go of ends here, and not in the middle of their work.
        self.publication = publication
        keyring = fresh
        return moment
    }

    package var trials: [CertificateTrialReport] {
        keyring.trials.sorted { $0.key < $1.key }.map { CertificateTrialReport($0.key, $0.value) }
    }

    package func uses(of certificate: String) -> [CertificateUseReport] { roll.report(of: certificate, in: keyring) }

    package func tidy() { service?.tidy() }

    package func sessionKeys() throws -> SecretBytes? { try publication?.tickets?.sealed() }

    package var drainTime: Int { Int(clamping: (publication?.plan ?? Plan()).drain) }

    package func drain(deadlineMilliseconds: Int) {
        service?.drain(milliseconds: UInt64(max(0, deadlineMilliseconds)))
        // They are open for as long as somebody holds them, and then clients wait for nobody.
        publication?.sockets = [:]
    }

    package var isDrained: Bool { service?.isDrained ?? true }

    private func assemble(
        _ snapshot: GatewaySnapshot,
        _ configuration: DataPlaneConfiguration
    ) throws -> (Publication, Keyring) {
        let keys = try GatewayKeys(configuration.keys)
        let fresh = keys.keyring.sharing(with: keyring)
        let publication = Publication(
            plan: snapshot.plan,
            certificates: fresh.generations(for: snapshot.plan),
            tickets: keys.tickets,
            sockets: snapshot.addresses.mapValues { $0.compactMap { configuration.listeners[$0] } }
        )
        return (publication, fresh)
    }
}

/// Control gave no memory for counters and logs.
private struct MissingMemory: Error, CustomStringConvertible {
    var description: String { "the control plane gave no shared memory" }
}
