import Foundation
import Linux
import OpenSSL
import Site
import Testing

@testable import Certificates

@Suite("Trials that a store is told of")
struct TrialTests {
    private let now = Int64(1_800_000_000)
    private let settings = CertificateSettings(
        name: "foobar.com",
        names: [.exact("foobar.com")],
        issuer: .internal
    )
    private let first = GatewayIdentity(socket: "/run/gatehouse/first.sock")
    private let second = GatewayIdentity(socket: "/run/gatehouse/second.sock")

    @Test("what most clients are shown during a trial stays whole, nothing is retired, and there is a way back to it")
    func trial() throws {
        let scratch = try Scratch()
        let (provider, store) = (scratch.provider(at: now), scratch.store)
        let known = try provider.issue(settings, reason: "test")
        for _ in 0..<3 {
            let fresh = try provider.issue(settings, reason: "test")
            #expect(try provider.offer(fresh, besides: known, settings, at: first, reason: "to 10 % first"))
        }
        #expect(try store.load("foobar.com", generation: 1).leaf.der == known.leaf.der)
        let trials = try store.trials(of: "foobar.com", now: now)
        #expect(trials.map(\.inForce) == [1] && trials.map(\.gateway) == [first])
        #expect(throws: CertificateProblem.onTrial(name: "foobar.com", trials)) {
            try provider.retire(settings, reason: "test")
        }
        #expect(try provider.rollBack(settings, reason: "test").leaf.der == known.leaf.der)
        #expect(try store.isRolledBack("foobar.com") && store.trials(of: "foobar.com", now: now).isEmpty)
        #expect(try provider.retire(settings, reason: "test") == [3, 4])
        try provider.endTrial(of: "foobar.com", at: first)
        _ = try provider.issue(settings, reason: "test")
        #expect(try !store.isRolledBack("foobar.com"))
        // Where it is gone all the same, whoever serves it brings it back.
        for _ in 0..<2 { _ = try provider.issue(settings, reason: "test") }
        #expect(!FileManager.default.fileExists(atPath: store.folder + "/foobar.com/1/key.pem"))
        try provider.refuse(settings, backTo: known, reason: "3 of 10 clients refused it")
        #expect(try store.load("foobar.com").leaf.der == known.leaf.der)
        #expect(try store.audit.verify().entries.last?.event.kind == .rolledBack)
    }

    @Test("of two gateways that share a store neither ends the other's trial, and what each shows stays whole")
    func two() throws {
        let scratch = try Scratch()
        let (provider, store) = (scratch.provider(at: now), scratch.store)
        let known = try provider.issue(settings, reason: "test")
        let next = try provider.issue(settings, reason: "test")
        for gateway in [first, second] {
            #expect(try provider.offer(next, besides: known, settings, at: gateway, reason: "test"))
        }
        // For the second it is over: what comes next is tried there beside generation 2, and at the first beside 1.
        try provider.endTrial(of: "foobar.com", at: second)
        let third = try provider.issue(settings, reason: "test")
        #expect(try provider.offer(third, besides: known, settings, at: first, reason: "test"))
        #expect(try provider.offer(third, besides: next, settings, at: second, reason: "test"))
        _ = try provider.issue(settings, reason: "test")
        let trials = try store.trials(of: "foobar.com", now: now)
        #expect(Set(trials.map { "\($0.gateway) \($0.inForce)" }) == ["\(first) 1", "\(second) 2"])
        for (generation, bundle) in [(1, known), (2, next)] {
            #expect(try store.load("foobar.com", generation: generation).leaf.der == bundle.leaf.der)
        }
        #expect(try provider.rollBack(settings, reason: "test").leaf.der == next.leaf.der)
        let problem = #expect(throws: CertificateProblem.self) { try provider.retire(settings, reason: "test") }
        #expect(problem?.description.contains("generation 1 at \(first)") == true, "\(problem as Any)")
        #expect(problem?.description.contains("\(second)") == false, "\(problem as Any)")
        try provider.endTrial(of: "foobar.com", at: first)
        #expect(try provider.retire(settings, reason: "test") == [1, 3, 4])
    }

    @Test("a key that is known to somebody ends the trials of all gateways, and each can tell")
    func ended() throws {
        let scratch = try Scratch()
        let provider = scratch.provider(at: now)
        let known = try provider.issue(settings, reason: "test")
        let next = try provider.issue(settings, reason: "test")
        for gateway in [first, second] {
            _ = try provider.offer(next, besides: known, settings, at: gateway, reason: "test")
            #expect(provider.isTrialKnown(of: "foobar.com", at: gateway))
        }
        #expect(Set(try provider.endTrials(of: "foobar.com").map(\.gateway)) == [first, second])
        for gateway in [first, second] { #expect(!provider.isTrialKnown(of: "foobar.com", at: gateway)) }
        #expect(try provider.retire(settings, reason: "test") == [1])
        // A store that is away says nothing.
        try FileManager.default.removeItem(atPath: scratch.store.folder)
        #expect(provider.isTrialKnown(of: "foobar.com", at: first))
    }

    @Test("a gateway that is gone keeps nothing back for ever, nor does the mark of an older version")
    func abandoned() throws {
        let scratch = try Scratch()
        let (provider, store) = (scratch.provider(at: now), scratch.store)
        let known = try provider.issue(settings, reason: "test")
        let next = try provider.issue(settings, reason: "test")
        _ = try provider.offer(next, besides: known, settings, at: first, reason: "test")
        try scratch.write("certs/foobar.com/in-force", "1\n")
        let end = try #require(try store.trials(of: "foobar.com", now: now).first?.end)
        #expect(end > now)
        #expect(try store.trials(of: "foobar.com", now: end).isEmpty)
        #expect(try scratch.provider(at: end).retire(settings, reason: "test") == [1])
        try provider.endTrial(of: "foobar.com", at: second)
        #expect(!FileManager.default.fileExists(atPath: store.folder + "/foobar.com/in-force"))
    }

    @Test("the history's clock is the machine's: what is told by either is in order")
    func moment() throws {
        let scratch = try Scratch()
        let begin = CertificateProvider.clock
        let provider = scratch.provider(at: begin)
        while CertificateProvider.clock == begin { Linux.Thread.pause(milliseconds: 5) }
        #expect(provider.moment > begin)
    }

    @Test("a gateway's name is that of a file, the same each time, and another one for each socket")
    func identity() {
        #expect(first != second && first == GatewayIdentity(socket: "/run/gatehouse/first.sock"))
        #expect("\(first)".utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 > 0x20 } && !"\(first)".isEmpty)
    }
}
