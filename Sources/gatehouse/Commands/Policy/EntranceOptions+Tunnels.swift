import ArgumentParser
import Firewall
import Linux
import Site

extension EntranceOptions {
    /// Proves that new connections of all would be let in.
    ///
    /// A connection by a tunnel lives on packets of another kind, of which nothing is proved: a confirmation from a new
    /// connection shows that they pass, and so does one who comes otherwise, who can undo it.
    /// - Parameter live: what the machine holds now. It is read once for all questions: while others change their rules, a
    ///   list takes long.
    /// - Throws: `ExitCode`, after saying what stops one, or that nothing is known of all.
    func require(
        _ accesses: [AdministratorCheck.Access],
        _ ruleset: ProvedRuleset,
        beside live: HeldListing
    ) throws {
        var doubts: [String] = []
        for access in accesses {
            let interfaces = try require(access, ruleset, beside: live)?.interfaces ?? []
            if let tunnel = try Self.tunnel(under: interfaces) {
                doubts.append(
                    "\(access.source) comes in by \(tunnel.name), a tunnel (\(tunnel.kind ?? "")): what carries it is not "
                        + "looked at, and must be let in by a line of its own"
                )
            }
        }
        let isSafe = doubts.count < accesses.count || confirmWithin.seconds > 0 || unproved
        for doubt in doubts.dropLast(isSafe ? 0 : 1) { Output.error("warning: \(doubt)\(consequence)") }
        guard !isSafe, let doubt = doubts.last else { return }
        throw ExitCode.refusal(
            .wanting,
            "\(doubt). With 0s nothing would bring the old rules back: give --confirm-within some time, --keep an address "
                + "that comes by another way, or --unproved; nothing was changed"
        )
    }

    /// What becomes of somebody whose tunnel is shut.
    private var consequence: String {
        guard confirmWithin.seconds > 0 else { return "" }
        return "; unless a new connection confirms it in time, the watchdog takes the rules back"
    }

    private static func tunnel(under interfaces: [String]) throws -> NetworkLink? {
        do {
            let links = try NetworkLink.all()
            return interfaces.lazy.compactMap { links.tunnel(under: $0) }.first
        } catch {
            throw ExitCode.refusal(.machine, "no kind of interface can be asked for: \(error); nothing was changed")
        }
    }
}
