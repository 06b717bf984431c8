package import Certificates
import Linux
import Outbound
package import Site

extension OutboundTransport: NameLookup {
    /// Milliseconds for the answers to all questions that are asked at once.
    private static let namePatience: UInt64 = 6_000

    package func addresses(of names: [String]) -> [String: [IPAddress]] {
        collect(names, { .resolve(number: $0, name: $1) }) { message in
            guard case .resolved(_, let answer) = message else { return nil }
            return Self.addresses(answer)
        }
    }

    package func restrictions(at names: [String]) -> [String: [CAARecord]] {
        collect(names, { .restrictions(number: $0, name: $1) }) { message in
            guard case .restricted(_, .records(let records)) = message else { return nil }
            return records.map { CAARecord(isCritical: $0.isCritical, tag: $0.tag, value: $0.value) }
        }
    }

    /// Those of both kinds; nil when one kind has no answer, and the other one no address.
    private static func addresses(_ answer: NameAnswer) -> [IPAddress]? {
        var found: [IPAddress] = []
        var isWhole = true
        for records in [answer.v4, answer.v6] {
            switch records {
            case .addresses(let list, _): found += list.compactMap { IPAddress(bytes: $0) }
            case .none: continue
            case .failed: isWhole = false
            }
        }
        return found.isEmpty && !isWhole ? nil : found
    }

    /// Asks for all names at once; those without an answer in time are left out.
    private func collect<Answer>(
        _ names: [String],
        _ question: (UInt64, String) -> OutboundMessage,
        _ read: (OutboundMessage) -> Answer?
    ) -> [String: Answer] {
        var found: [String: Answer] = [:]
        guard !names.isEmpty, let helper = try? resolving() else { return found }
        var open: [UInt64: String] = [:]
        for name in names {
            number += 1
            guard (try? helper.channel.send(question(number, name))) != nil else { break }
            open[number] = name
        }
        let end = Clock.monotonicNanoseconds / 1_000_000 + Self.namePatience
        while !open.isEmpty {
            do throws(ChannelError) {
                while let message = try helper.channel.receive() {
                    guard let name = message.number.flatMap({ open.removeValue(forKey: $0) }) else { continue }
                    if let answer = read(message) { found[name] = answer }
                }
            } catch {
                return found
            }
            let now = Clock.monotonicNanoseconds / 1_000_000
            guard !open.isEmpty, now < end else { break }
            _ = Readiness.wait([helper.channel.raw], milliseconds: Int32(clamping: end - now))
        }
        return found
    }
}

extension OutboundMessage {
    /// Of an answer, that of its question.
    fileprivate var number: UInt64? {
        switch self {
        case .resolved(let number, _), .restricted(let number, _), .fetched(let number, _): number
        case .nameServers, .resolve, .restrictions, .fetch, .hello: nil
        }
    }
}
