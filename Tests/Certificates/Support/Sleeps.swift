import Foundation
import Testing

/// How often this thread has slept so far. Whoever waits for a lock looks at it each ten milliseconds for as often as it
/// takes: by that it is known how many waits there were, however slow the machine is.
func sleeps() throws -> Int {
    let status = try String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") })
    return try #require(Int(line.filter(\.isNumber)))
}
