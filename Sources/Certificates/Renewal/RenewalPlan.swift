import OpenSSL
import Site

/// What became of the tries at a new certificate so far, and what its CA said of the next: kept in the store, so that a
/// gateway that is started again goes on where it stood and does not run into a CA's limits.
package struct RenewalPlan: Sendable, Equatable {
    /// When the CA wants it renewed (RFC 9773).
    package struct Advice: Sendable, Equatable {
        /// One moment of the window, drawn when the window became known: seconds since 1970.
        package let moment: Int64
        package let window: ClosedRange<Int64>
        /// What a person should read about it.
        package let explanation: String?
    }

    /// What is known of tries at something else than the site file asks for now.
    fileprivate struct Tries: Sendable, Equatable {
        let wish: String
        let failures: Int
        let next: Int64
        let problem: String
    }

    /// Tries in a row that failed.
    package private(set) var failures = 0
    /// Before that nothing is tried: seconds since 1970.
    package private(set) var next: Int64 = 0
    /// Why the last one failed.
    package private(set) var problem = ""
    /// SHA-256 of what the site file asked for then; empty when nobody knows.
    private var wish = ""
    /// Tries that failed for something else, the last first.
    private var others: [Tries] = []
    private static let mostOthers = 4
    /// CAs that want to be left alone, by directory, and until when.
    package private(set) var held: [String: Int64] = [:]
    /// Where the certificate in use comes from, and where those before it did, the last first: one of them may be gone back to.
    package private(set) var origin: Origin? {
        didSet {
            let known = [oldValue].compactMap(\.self) + earlier
            earlier = Array(known.filter { $0.fingerprint != origin?.fingerprint }.prefix(Self.mostEarlier))
        }
    }
    private var earlier: [Origin] = []
    private static let mostEarlier = 4
    /// When that certificate came: seconds since 1970; 0 when nobody knows.
    package private(set) var since: Int64 = 0
    /// Certificates in a row that were replaced before a third of their life was over.
    package private(set) var hurries = 0
    package private(set) var advice: Advice?
    /// When the CA is to be asked for its advice again.
    package private(set) var nextQuestion: Int64 = 0
    /// What the site file asked for when an operator went back to what is there, or clients refused what came after it; empty
    /// when neither did.
    private var restingWish = ""
    /// It was clients.
    private var isRefused = false

    package init() {}

    /// A try failed.
    ///
    /// - Parameters:
    ///   - wish: what the site file asks for: a try at something else need not wait for it.
    ///   - pause: seconds that the CAs asked for; the usual pause when that is longer.
    ///   - replaced: what there is until one succeeds, if anything: of what ends soon the usual pause is shorter.
    package mutating func fail(
        _ problem: String,
        wishing wish: String = "",
        pause: Int64 = 0,
        replacing replaced: RenewalSchedule? = nil,
        at now: Int64
    ) {
        failures += 1
        (restingWish, isRefused) = ("", false)
        self.wish = Self.digest(wish)
        let usual = replaced?.pause(afterFailures: failures, at: now)
        next = now + max(pause, usual ?? RenewalSchedule.pause(afterFailures: failures))
        self.problem = problem
    }

    /// A try begins. Until it has ended it counts as one that failed: a process that dies in it again and again would else
    /// begin another one at each start, and use up what a CA allows.
    package mutating func begin(wishing wish: String, replacing replaced: RenewalSchedule? = nil, at now: Int64) {
        fail("it was begun, and has not ended", wishing: wish, replacing: replaced, at: now)
    }

    /// The try that began is over: what became of it says how it counts.
    package mutating func endTry() { failures = max(0, failures - 1) }

    /// Nobody was asked, since all want to be left alone: no try has failed.
    package mutating func wait(_ problem: String, wishing wish: String, until moment: Int64) {
        next = max(next, moment)
        self.problem = problem
        self.wish = Self.digest(wish)
    }

    /// A wish in few bytes: it has all names.
    private static func digest(_ wish: String) -> String { wish.isEmpty ? "" : Fingerprint.sha256(wish) }

    /// An operator wants what is there now to stay for a while: no try has failed.
    ///
    /// - Parameter wish: what the site file asks for: when it asks for something else, the rest is over.
    package mutating func rest(_ problem: String, wishing wish: String, until moment: Int64) {
        next = max(next, moment)
        self.problem = problem
        (restingWish, isRefused) = (wish, false)
    }

    /// Clients refused what a try gave, or did not get it: it has failed.
    ///
    /// - Parameters:
    ///   - wish: what the site file asks for: when it asks for something else, the pause is over.
    ///   - pause: seconds; the usual pause when that is longer.
    package mutating func refuse(_ problem: String, wishing wish: String, pause: Int64 = 0, at now: Int64) {
        fail(problem, pause: pause, at: now)
        (restingWish, isRefused) = (wish, true)
    }

    /// Whether what is there now is to stay: an operator went back to it, or clients refused what came after it.
    internal func isHeldBack(at now: Int64) -> Bool { !restingWish.isEmpty && next > now }

    /// Whether an operator wants what is there now to stay.
    internal func isAtRest(until now: Int64) -> Bool { isHeldBack(at: now) && !isRefused }

    internal mutating func endRest(besides wish: String) {
        guard !restingWish.isEmpty, restingWish != wish else { return }
        if isRefused { failures = 0 }
        (next, problem, restingWish, isRefused) = (0, "", "", false)
    }

    /// Whether the certificate in use is of an ACME server that is none of these.
    private func isElsewhere(from directories: [String]) -> Bool {
        origin.map { $0.directory.hasPrefix("https://") && !directories.contains($0.directory) } ?? false
    }

    /// The site file names these CAs now: that a certificate of others is replaced early is meant.
    package mutating func consider(servers directories: [String]) {
        if isElsewhere(from: directories) { (since, hurries) = (0, 0) }
    }

    /// The site file asks for this now: tries that failed for something else, as other names or other CAs, keep nobody from it.
    /// They count again when that is asked for again, as by another gateway that shares the store: the two would else have no
    /// pause at all.
    package mutating func consider(_ wish: String) {
        let wanted = Self.digest(wish)
        guard self.wish != wanted, restingWish.isEmpty else { return }
        let known = others.first { $0.wish == wanted }
        guard known != nil || !self.wish.isEmpty else { return }
        if !self.wish.isEmpty {
            let left = Tries(
                wish: self.wish,
                failures: failures,
                next: next,
                problem: String(problem.prefix(Self.longestProblem))
            )
            others = Array(([left] + others.filter { $0.wish != left.wish }).prefix(Self.mostOthers))
        }
        others.removeAll { $0.wish == wanted }
        (failures, next, problem) = (known?.failures ?? 0, known?.next ?? 0, known?.problem ?? "")
        self.wish = known?.wish ?? ""
    }

    private static let longestProblem = 512

    /// Before that neither the certificate's age nor its CA's advice is a reason for another one: seconds since 1970. A CA
    /// whose windows are always past, or a clock weeks ahead, would else have one ordered after the other.
    package var patience: Int64 { hurries == 0 ? 0 : since + RenewalSchedule.pause(afterFailures: hurries) }

    /// What a person should read while `hurries` is not 0.
    package var wordsOfHurry: String {
        "REPLACED EARLY, \(hurries) in a row: what it replaced had most of its life before it. Its CA's advice or this "
            + "machine's clock may be wrong; neither is followed again before \(UTC.text(patience))"
    }

    /// There is a new certificate.
    ///
    /// - Parameters:
    ///   - life: how long it is good for, in seconds.
    ///   - isAsked: an operator wanted it now, or wants another one since: that says nothing of clocks or of its CA's advice.
    package mutating func succeed(_ origin: Origin, life: Int64, isAsked: Bool = false, at now: Int64) {
        let isHurried = !isAsked && since != 0 && now - since < life / 3
        // A try for names that were lacking has had its pause already.
        let hurries = isHurried ? hurries + (failures == 0 ? 1 : 0) : 0
        startOver()
        self.origin = origin
        self.since = now
        self.hurries = hurries
    }

    /// Nothing is tried, nor waited for. Where certificates came from stays known, though none of them is the one in use.
    package mutating func startOver() {
        origin = nil
        let earlier = earlier
        self = RenewalPlan()
        self.earlier = earlier
    }

    /// There is a new certificate that lacks names, which are tried again.
    package mutating func succeed(
        _ origin: Origin,
        life: Int64,
        isAsked: Bool = false,
        but problem: String,
        wishing wish: String,
        replacing replaced: RenewalSchedule? = nil,
        at now: Int64
    ) {
        let failures = failures
        succeed(origin, life: life, isAsked: isAsked, at: now)
        self.failures = failures
        fail(problem, wishing: wish, replacing: replaced, at: now)
    }

    /// An operator has brought one: tries at it that failed are over, and so is a rest. What CAs asked for stays.
    package mutating func endTries() {
        (failures, next, problem, wish, restingWish, isRefused) = (0, 0, "", "", "", false)
    }

    /// What browsers refuse came in for want of anything better: the tries that failed, and the next, are what they were. A rest
    /// was for what it takes the place of.
    package mutating func substitute(_ origin: Origin) {
        endRest(besides: "")
        self.origin = origin
        (since, hurries, advice, nextQuestion) = (0, 0, nil, 0)
    }

    /// An operator has put it to use: that another one is ordered in its place, however soon, says nothing of clocks or of its
    /// CA's advice.
    package mutating func spend() { (since, hurries) = (0, 0) }

    /// A CA knows the certificate in use, which is another than the last that was ordered. Which account ordered it, nobody
    /// knows; that it is replaced soon would be as hasty as it was before.
    package mutating func recognize(_ fingerprint: String, of directory: String) {
        origin = Origin(fingerprint: fingerprint, directory: directory, account: "")
        advice = nil
    }

    /// One of before is in use again: where it came from counts, where that is known. That it is replaced soon would be as hasty
    /// as it was before.
    package mutating func recall(_ fingerprint: String) {
        guard origin?.fingerprint != fingerprint, let known = earlier.first(where: { $0.fingerprint == fingerprint })
        else { return }
        origin = known
        advice = nil
    }

    /// What CAs said in a try.
    internal mutating func takeHolds(of other: RenewalPlan) { held.merge(other.held) { $1 } }

    /// A CA asks to be left alone.
    package mutating func hold(_ directory: String, until moment: Int64) { held[directory] = moment }

    /// Takes over what the CA says. A moment that was drawn stays as long as it is in the window.
    ///
    /// - Parameter draw: gives one of the window's moments.
    package mutating func take(
        _ information: RenewalInformation,
        at now: Int64,
        draw: (ClosedRange<Int64>) -> Int64
    ) {
        nextQuestion = now + information.pause
        let kept = advice.map(\.moment).flatMap { information.window.contains($0) ? $0 : nil }
        advice = Advice(
            moment: kept ?? draw(information.window),
            window: information.window,
            explanation: information.explanation
        )
    }

    /// Corrects what a clock that was ahead has left: moments farther ahead than anybody asks for are nobody's, and hold
    /// nobody up.
    package mutating func correct(at now: Int64) {
        let (slack, day): (Int64, Int64) = (Self.slack, 86_400)
        held = held.filter { $0.value <= now + ACMEResponse.longestPause + slack }
        if next > max(now + day, held.values.max() ?? 0) + slack { next = now }
        if nextQuestion > now + day + slack { nextQuestion = now }
        if since > now + slack { since = now }
    }

    /// A clock that is set by some minutes makes nothing come early: seconds.
    internal static let slack: Int64 = 3_600

    /// The CA did not say: what it said before counts.
    package mutating func askAgain(at moment: Int64) { nextQuestion = moment }
}

extension RenewalPlan {
    internal init(_ value: JSONValue) {
        failures = Self.count(value["failures"])
        next = Int64(value["next"]?.integer ?? 0)
        problem = value["problem"]?.text ?? ""
        wish = value["wish"]?.text ?? ""
        others = Array((value["others"]?.items ?? []).compactMap { Tries($0) }.prefix(Self.mostOthers))
        if case .object(let members)? = value["held"] {
            for member in members { held[member.name] = Int64(member.value.integer ?? 0) }
        }
        if let text = value["origin"], let known = Origin(text) {
            origin = known
            since = Int64(text["since"]?.integer ?? 0)
            hurries = Self.count(text["hurries"])
        }
        earlier = Array((value["earlier"]?.items ?? []).compactMap { Origin($0) }.prefix(Self.mostEarlier))
        if let text = value["advice"], let moment = text["moment"]?.integer, let start = text["start"]?.integer,
            let end = text["end"]?.integer, start <= end
        {
            advice = Advice(
                moment: Int64(moment),
                window: Int64(start)...Int64(end),
                explanation: text["explanation"]?.text
            )
        }
        nextQuestion = Int64(value["next_question"]?.integer ?? 0)
        restingWish = value["resting_wish"]?.text ?? ""
        isRefused = value["refused"] == JSONValue.boolean(true)
    }

    /// One that a file tells, whatever became of that.
    fileprivate static func count(_ value: JSONValue?) -> Int { min(max(0, value?.integer ?? 0), 1 << 16) }

    internal var document: JSONValue {
        var members: [JSONValue.Member] = [
            .init("failures", .integer(failures)),
            .init("next", .integer(Int(next))),
            .init("problem", .string(problem)),
            .init("held", .object(held.sorted { $0.key < $1.key }.map { .init($0.key, .integer(Int($0.value))) })),
            .init("next_question", .integer(Int(nextQuestion))),
        ]
        if !wish.isEmpty { members.append(.init("wish", .string(wish))) }
        if !others.isEmpty { members.append(.init("others", .array(others.map { .object($0.members) }))) }
        if !restingWish.isEmpty {
            members += [.init("resting_wish", .string(restingWish)), .init("refused", .boolean(isRefused))]
        }
        if let origin {
            let parts: [JSONValue.Member] = [
                .init("since", .integer(Int(since))), .init("hurries", .integer(hurries)),
            ]
            members.append(.init("origin", .object(origin.members + parts)))
        }
        if !earlier.isEmpty { members.append(.init("earlier", .array(earlier.map { .object($0.members) }))) }
        if let advice {
            var parts: [JSONValue.Member] = [
                .init("moment", .integer(Int(advice.moment))), .init("start", .integer(Int(advice.window.lowerBound))),
                .init("end", .integer(Int(advice.window.upperBound))),
            ]
            if let text = advice.explanation { parts.append(.init("explanation", .string(text))) }
            members.append(.init("advice", .object(parts)))
        }
        return .object(members)
    }
}

extension RenewalPlan.Tries {
    fileprivate init?(_ value: JSONValue) {
        guard let wish = value["wish"]?.text, let next = value["next"]?.integer else { return nil }
        self.wish = wish
        failures = RenewalPlan.count(value["failures"])
        self.next = Int64(next)
        problem = value["problem"]?.text ?? ""
    }

    fileprivate var members: [JSONValue.Member] {
        [
            .init("wish", .string(wish)), .init("failures", .integer(failures)), .init("next", .integer(Int(next))),
            .init("problem", .string(problem)),
        ]
    }
}
