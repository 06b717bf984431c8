import ArgumentParser
import Firewall
import Linux
import Site

/// The site file that a policy command is about, read and looked up.
struct PolicySource {
    let path: String
    let bytes: [UInt8]
    let model: SiteModel
    let intent: Intent

    /// - Throws: `ExitCode` after saying on standard error what is wrong with the file.
    init(_ options: SiteOptions) throws {
        path = options.path
        let outcome = SiteFile.load(path: path)
        guard let model = outcome.model, !outcome.hasErrors else {
            Output.error(outcome.text)
            throw ExitCode(2)
        }
        do {
            bytes = try FileReading.read(path, limit: 64 << 20)
        } catch {
            Output.error("\(error)")
            throw ExitCode(2)
        }
        self.model = model
        intent = Intent(of: model)
    }

    /// The host that was named, or the one whose addresses this machine bears.
    func host(_ named: String?) throws -> SiteHost {
        if let named {
            if let host = model.hosts[named] { return host }
            let names = model.hosts.keys.sorted().joined(separator: ", ")
            Output.error("--host \(named): no host of \(model.name); it has \(names)")
            throw ExitCode(2)
        }
        if let host = model.host(bearingAnyOf: Self.machineAddresses) { return host }
        Output.error("this machine bears addresses of no host of \(model.name), or of several: say which with --host")
        throw ExitCode(2)
    }

    /// The addresses of this machine's interfaces.
    static var machineAddresses: [IPAddress] { Array(interfaceOfAddress.keys) }

    /// The same, each with the interface that bears it.
    static var interfaceOfAddress: [IPAddress: String] {
        let pairs = InterfaceAddresses.byInterface().compactMap { entry in
            IPAddress(entry.address.host).map { ($0, entry.interface) }
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// What the host's firewall should be.
    func ruleset(_ host: SiteHost) throws -> CompiledRuleset {
        guard let intent = intent.host(host.name) else {
            Output.error("\(host.name): the policy says nothing of this host")
            throw ExitCode(2)
        }
        return CompiledRuleset(intent)
    }
}

/// Where the state of this machine's firewall is.
struct StateOptions: ParsableArguments {
    @Option(help: "The folder of the applied rulesets.")
    var state = StateFolder.standard

    /// Runs an act, and ends with its status when it fails.
    func perform<Result>(_ body: (Applier) throws -> Result) throws -> Result {
        do {
            return try body(Applier(try StateFolder(state)))
        } catch let error as ApplyError {
            Output.error(error.description)
            throw ExitCode(error.kind.rawValue)
        } catch let error as FileError {
            Output.error("\(error)")
            throw ExitCode(3)
        }
    }
}
