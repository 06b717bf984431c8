package import Outbound
package import Site

/// The DNS names of a site's servers, what is known of each, and when to ask again. No clock and no process of
/// its own: the caller brings the time, in milliseconds that never go back.
///
/// A name has one address in force, as a `server` of HAProxy has. It stays as long as the answers hold it,
/// however they are shuffled; then the first takes its place, IPv4 before IPv6: an address of a family that
/// this machine has no route for would be a server that is down and nobody knows why. What was known stays in
/// force while there are no answers.
package struct NameTable: Sendable {
    /// What is known of one name.
    package struct Standing: Equatable, Sendable {
        /// nil while none has been found.
        package var address: IPAddress?
        /// Why the last question brought no address; nil when it did, or while the first is open.
        package var problem: String?
    }

    /// The least and the most time between two questions about a name that has been answered: a TTL of 0 is no
    /// reason to ask without pause, and one of a week none to miss a change for so long.
    package static let shortestLife: UInt64 = 1_000
    package static let longestLife: UInt64 = 3_600_000
    /// How long what /etc/hosts says is taken for true.
    package static let hostsLife: UInt64 = 5_000
    /// The longest pause after failures; the first is a second, each next one twice as long.
    package static let longestPause: UInt64 = 60_000
    /// How long an answer may take before the helper counts as stuck.
    package static let patience: UInt64 = 60_000
    /// Questions that are open at a time.
    package static let mostOpen = 32

    private struct Entry {
        var standing = Standing()
        var v4: [IPAddress] = []
        var v6: [IPAddress] = []
        var due: UInt64
        var failures = 0
        /// The open question and when it was asked.
        var open: (number: UInt64, since: UInt64)?
        var isSettled = false
    }

    private var entries: [String: Entry] = [:]
    private var nextNumber: UInt64 = 0

    package init() {}

    /// The names, with what is known of each.
    package var standings: [String: Standing] { entries.mapValues(\.standing) }

    package var isEmpty: Bool { entries.isEmpty }

    /// Whether each name has been answered, well or not, at least once.
    package var isSettled: Bool { entries.values.allSatisfy(\.isSettled) }

    /// Keeps what is known of names that stay, forgets those that go, and asks for new ones at once.
    ///
    /// - Parameter known: addresses that are in force already, as for another table before this one: they stay while
    ///   there are no answers, and nobody has to wait for these.
    package mutating func want(_ names: Set<String>, known: [String: IPAddress] = [:], now: UInt64) {
        entries = entries.filter { names.contains($0.key) }
        for name in names where entries[name] == nil {
            entries[name] = Entry(due: now)
            if let address = known[name] { take([address], of: name) }
        }
    }

    /// Has every name asked again at once, as when other name servers are to be asked.
    package mutating func refresh(now: UInt64) {
        for name in entries.keys {
            entries[name]?.due = now
            entries[name]?.open = nil
        }
    }

    /// The questions to ask now, each with its number, as many as may be open. A name that `hosts` knows is
    /// answered from it.
    ///
    /// - Parameter mayAsk: false leaves all other names for later.
    package mutating func questions(
        now: UInt64,
        hosts: HostsFile,
        mayAsk: Bool = true
    ) -> [(number: UInt64, name: String)] {
        var questions: [(number: UInt64, name: String)] = []
        var open = entries.values.count { $0.open != nil }
        for (name, entry) in entries.sorted(by: { ($0.value.due, $0.key) < ($1.value.due, $1.key) })
        where entry.open == nil && entry.due <= now {
            let local = hosts[name].filter(\.isOfAHost)
            if !local.isEmpty {
                take(local, of: name)
                entries[name]?.due = now + Self.hostsLife
            } else if mayAsk, open < Self.mostOpen {
                nextNumber += 1
                entries[name]?.open = (nextNumber, now)
                questions.append((nextNumber, name))
                open += 1
            }
        }
        return questions
    }

    /// When there is next something to ask; nil when nothing is waited for but answers.
    package var nextDue: UInt64? {
        guard entries.values.count(where: { $0.open != nil }) < Self.mostOpen else { return nil }
        return entries.values.filter { $0.open == nil }.map(\.due).min()
    }

    /// When the oldest open question has taken too long; nil when none is open.
    package var deadline: UInt64? {
        entries.values.compactMap(\.open).map(\.since).min().map { $0 + Self.patience }
    }

    // MARK: Answers

    /// Takes an answer; one to a question that is not open any more means nothing.
    package mutating func answer(_ number: UInt64, _ answer: NameAnswer, now: UInt64) {
        guard let (name, entry) = entries.first(where: { $0.value.open?.number == number }) else { return }
        let (v4, v6) = (Self.addresses(answer.v4), Self.addresses(answer.v6))
        guard v4 != nil || v6 != nil else { return fail(name, Self.problem(answer), now: now) }
        // A family that has no records any more has no addresses; of one that failed, the old ones stay.
        take(
            v4 ?? (Self.failed(answer.v4) ? entry.v4 : []),
            v6 ?? (Self.failed(answer.v6) ? entry.v6 : []),
            of: name
        )
        let life = UInt64([answer.v4, answer.v6].compactMap(Self.lifetime).min() ?? 0) * 1000
        entries[name]?.due = now + min(max(life, Self.shortestLife), Self.longestLife)
    }

    /// Takes back the open questions, to ask them again at once when that is possible.
    package mutating func withdraw(now: UInt64) {
        for (name, entry) in entries where entry.open != nil {
            entries[name]?.open = nil
            entries[name]?.due = now
        }
    }

    /// Takes it that no open question is answered any more, for `problem`.
    package mutating func lose(_ problem: String, now: UInt64) {
        for (name, entry) in entries where entry.open != nil { fail(name, problem, now: now) }
    }

    private mutating func take(_ addresses: [IPAddress], of name: String) {
        take(
            addresses.filter { $0.width == 32 },
            addresses.filter { $0.width == 128 },
            of: name
        )
    }

    private mutating func take(_ v4: [IPAddress], _ v6: [IPAddress], of name: String) {
        guard var entry = entries[name] else { return }
        (entry.v4, entry.v6) = (v4, v6)
        let all = v4 + v6
        if entry.standing.address.map(all.contains) != true { entry.standing.address = all.first }
        entry.standing.problem = nil
        entry.failures = 0
        entry.open = nil
        entry.isSettled = true
        entries[name] = entry
    }

    private mutating func fail(_ name: String, _ problem: String, now: UInt64) {
        guard var entry = entries[name] else { return }
        entry.standing.problem = problem
        entry.due = now + min(1_000 << UInt64(min(entry.failures, 20)), Self.longestPause)
        entry.failures += 1
        entry.open = nil
        entry.isSettled = true
        entries[name] = entry
    }

    /// The usable addresses of an answer; nil when it holds none. What the helper sends is not trusted.
    private static func addresses(_ records: NameAnswer.Records) -> [IPAddress]? {
        guard case .addresses(let list, _) = records else { return nil }
        let usable = list.prefix(NameAnswer.mostAddresses).compactMap { IPAddress(bytes: $0) }.filter(\.isOfAHost)
        return usable.isEmpty ? nil : usable
    }

    private static func failed(_ records: NameAnswer.Records) -> Bool {
        if case .failed = records { true } else { false }
    }

    private static func lifetime(_ records: NameAnswer.Records) -> UInt32? {
        if case .addresses(_, let ttl) = records { ttl } else { nil }
    }

    private static func problem(_ answer: NameAnswer) -> String {
        switch (answer.v4, answer.v6) {
        case (.failed(let failure), _), (_, .failed(let failure)): failure.phrase
        case (.none(exists: false), _), (_, .none(exists: false)): "there is no such name (NXDOMAIN)"
        case (.addresses, _), (_, .addresses): "its addresses are none that a server can have"
        case (.none, .none): "the name has no address"
        }
    }
}
