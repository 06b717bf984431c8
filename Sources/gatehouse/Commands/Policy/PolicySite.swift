import ArgumentParser
import Firewall
import Linux
import Site

/// A site file as the commands about its policy want it.
struct PolicySite {
    let path: String
    /// What was read of it, and when it was changed last, in seconds since 1970.
    let bytes: [UInt8]
    let modified: Int64
    let model: SiteModel
    let intent: Intent
    /// When the command began, in seconds since 1970.
    let now = Clock.realtimeSeconds

    /// - Throws: `ExitCode` 2, after saying on standard error what is wrong with the file.
    init(path: String) throws {
        let outcome = SiteFile.load(path: path)
        if !outcome.diagnostics.isEmpty { Output.error(outcome.text) }
        guard let model = outcome.model, !outcome.hasErrors else { throw ExitCode(2) }
        self.path = path
        (bytes, modified) = (outcome.bytes, outcome.modified)
        self.model = model
        intent = Intent(of: model)
    }

    /// A host by its name; without one the only host of the site.
    ///
    /// - Throws: `ExitCode` 2, after saying which hosts there are.
    func host(_ name: String?) throws -> HostIntent { try intent.host(name, of: path) }

    /// What the kernels of hosts hold, from files that `nft -j list ruleset` wrote: `HOST=FILE` each.
    ///
    /// - Throws: `ExitCode` 2, after saying which of them cannot be read and why, or which host is named twice.
    func held(_ options: [String]) throws -> [String: HeldRuleset] {
        var rulesets: [String: HeldRuleset] = [:]
        for option in options {
            let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                Output.error(
                    "--held \(option): write it like HOST=FILE, with what `nft -j list ruleset` says on the host"
                )
                throw ExitCode(2)
            }
            let host = try host(parts[0])
            guard rulesets[host.host] == nil else {
                Output.error("--held \(option): `\(host.host)` is given twice; give one list for each host")
                throw ExitCode(2)
            }
            do {
                let bytes = try FileReading.read(parts[1], limit: 256 << 20)
                rulesets[host.host] = try HeldRuleset(json: bytes)
            } catch let error as FileError {
                Output.error("--held \(option): \(error)")
                throw ExitCode(2)
            } catch {
                Output.error("\(parts[1]): \(error)")
                throw ExitCode(2)
            }
        }
        return rulesets
    }

    /// `, line 12 of site.yaml` for what comes from the file.
    func place(_ position: SourcePosition) -> String {
        position.line == 0 ? "" : " (\(path):\(position.line))"
    }

    /// What a rule is called, with its line; what decides when there is none.
    func name(_ rule: IntentRule?) -> String {
        rule.map { "`\($0.id)`\(place($0.position))" } ?? "no rule, so that it is dropped"
    }

    /// What a line that changes addresses is called, with its place.
    func name(_ translation: Translation) -> String { "`\(translation.id)`\(place(translation.position))" }
}

extension Intent {
    /// A host by its name; without one the only host of the site.
    ///
    /// - Parameter file: the site file, as the user named it.
    /// - Throws: `ExitCode` 2, after saying which hosts there are.
    func host(_ name: String?, of file: String) throws -> HostIntent {
        if let name, let host = self.host(name) { return host }
        if name == nil, hosts.count == 1 { return hosts[0] }
        let known = hosts.map(\.host).joined(separator: ", ")
        let problem = name.map { "the site has no host `\($0)`" } ?? "say which host is meant with --host"
        Output.error("\(file): \(problem); it has \(known.isEmpty ? "none" : known)")
        throw ExitCode(2)
    }
}

extension IntentRule {
    /// The rule as an object.
    var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(id)), .init("verdict", .string(verdict.rawValue)),
        ]
        if position.line > 0 { members.append(.init("line", .integer(position.line))) }
        return .object(members)
    }
}
