import ArgumentParser
import Firewall
import Site

struct PolicyDiff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say in packets what a change of the site file opens and closes, on which host.",
        discussion: """
            Lines that only moved are no change, nor is what ended before now; other limits, ends and changes of addresses are.
            Claims and tests that are gone are noted, and so are hosts that one of the files lacks. Exit status: 0 when
            nothing opens, 1 when something does or cannot be told, 2 when a file or the command is wrong.
            """
    )

    @Argument(help: "The site file as it was.")
    var old: String

    @Argument(help: "The site file as it is to be.")
    var new: String

    @Flag(help: "Write the changes as JSON.")
    var json = false

    func run() throws {
        let (before, after) = (try PolicySite(path: old), try PolicySite(path: new))
        let diff = IntentDiff(from: before.intent.hosts, to: after.intent.hosts, at: after.now)
        let adjustments = diff.adjustments + PolicyCheck.losses(from: before.model, to: after.model, at: after.now)
        let notes = diff.notes + PromiseDiff.notes(from: (before.model, old), to: (after.model, new))
        if json {
            let members: [JSONValue.Member] = [
                .init("opens", .boolean(diff.opensAnything)),
                .init("changes", .array(diff.changes.map(Self.json))),
                .init("adjustments", .array(adjustments.map(Self.json))),
                .init("unknown", .strings(diff.unknown)),
                .init("notes", .strings(notes)),
            ]
            Output.line(JSONValue.object(members).indented)
        } else {
            for change in diff.changes { show(change, before, after) }
            for other in adjustments {
                Output.line("\(other.host) \(other.opens ? "CHANGES" : "narrows") \(other.sentence)")
            }
            for host in diff.unknown { Output.line("\(host): unknown, its rules cut the packets into too many pieces") }
            for note in notes { Output.line("note: \(note)") }
            if diff.changes.isEmpty, adjustments.isEmpty, diff.unknown.isEmpty {
                Output.line("nothing opens and nothing closes")
            }
        }
        if diff.opensAnything || !diff.unknown.isEmpty { throw ExitCode(1) }
    }

    private func show(_ change: IntentDiff.Change, _ before: PolicySite, _ after: PolicySite) {
        let since = change.since.map { " from \(DateTime(seconds: $0)) on" } ?? ""
        Output.line("\(change.host) \(change.path.rawValue) \(change.opens ? "OPENS" : "closes")\(since)")
        for line in change.summary { Output.line("  \(line)") }
        if change.omitted > 0 { Output.line("  and more") }
        Output.line("  for example \(change.packet.text)")
        Output.line("    before: \(before.name(change.before))")
        Output.line("    after:  \(after.name(change.after))")
    }

    private static func json(_ adjustment: IntentDiff.Adjustment) -> JSONValue {
        .object([
            .init("host", .string(adjustment.host)),
            .init("opens", .boolean(adjustment.opens)),
            .init("what", .string(adjustment.sentence)),
        ])
    }

    private static func json(_ change: IntentDiff.Change) -> JSONValue {
        .object([
            .init("host", .string(change.host)),
            .init("path", .string(change.path.rawValue)),
            .init("opens", .boolean(change.opens)),
            .init("packets", .strings(change.summary)),
            .init("complete", .boolean(change.omitted == 0)),
            .init("example", change.packet.json),
            .init("since", change.since.map { .string("\(DateTime(seconds: $0))") } ?? .null),
            .init("before", change.before?.json ?? .null),
            .init("after", change.after?.json ?? .null),
        ])
    }
}
