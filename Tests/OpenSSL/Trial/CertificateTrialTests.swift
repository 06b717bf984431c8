import Testing

@testable import OpenSSL

@Suite("A certificate on trial with a share of the clients")
struct CertificateTrialTests {
    private let ca = TestCA.shared

    /// A context that shows `old`, and `trial` instead to its share.
    private func context(_ old: CertificateBundle, _ trial: CertificateTrial) throws -> TLSContext {
        let context = try Make.server([old])
        let generation = try #require(context.generation)
        let replacement = CertificateGeneration.Replacement(old, by: trial.bundles[0], onTrial: trial)
        context.publish(try #require(generation.replacing([replacement], number: 2)))
        return context
    }

    private func handshake(_ server: TLSContext, client: UInt64, trusting: [UInt8]? = nil) throws -> Loopback {
        let settings = try Make.client { $0.authorities = trusting }
        let loopback = try Loopback(server, settings, name: "foobar.com")
        loopback.server.client = client
        return loopback.handshake()
    }

    @Test("about so many of a hundred are picked, and each is picked again", arguments: [1, 10, 50, 99])
    func share(percent: Int) throws {
        let trial = CertificateTrial(share: percent, bundles: [])
        let picked = (0..<20_000).filter { trial.picks(UInt64($0)) }
        // Ten standard deviations of what is to be expected.
        let expected = Double(percent) * 200
        let slack = 10 * (expected * Double(100 - percent) / 100).squareRoot()
        #expect(abs(Double(picked.count) - expected) < slack)
        #expect(picked == (0..<20_000).filter { trial.picks(UInt64($0)) })
        let other = CertificateTrial(share: percent, bundles: [])
        #expect(picked != (0..<20_000).filter { other.picks(UInt64($0)) }, "the same ones each time")
    }

    @Test("clients are shown theirs, and counted once each, however often they come; resumed sessions are not")
    func counts() throws {
        let (old, new) = (try ca.server("foobar.com"), try ca.server("foobar.com"))
        let trial = CertificateTrial(share: 50, bundles: [new])
        let server = try context(old, trial)
        server.publish(try TicketKeys())
        for client in 0..<64 as Range<UInt64> {
            for _ in 0..<2 {
                let done = try handshake(server, client: client)
                #expect(done.isDone)
                let shown = try #require(done.client.peerCertificate)
                #expect(shown.der == (trial.picks(client) ? new : old).leaf.der)
            }
        }
        let picked = (0..<64).count { trial.picks($0) }
        // Two clients may share a place of the table.
        #expect((picked - 3...picked).contains(trial.fresh.clients))
        #expect((64 - picked - 3...64 - picked).contains(trial.known.clients))
        #expect(trial.fresh.refusals == 0 && trial.known.refusals == 0)

        let first = try handshake(server, client: 1_000)
        let (fresh, known) = (trial.fresh.clients, trial.known.clients)
        let again = try Loopback(server, Make.client(), name: "foobar.com", resuming: first.ticket)
        again.server.client = 2_000
        again.handshake()
        #expect(again.isDone && again.server.isResumed)
        #expect(trial.fresh.clients == fresh && trial.known.clients == known)
    }

    @Test("refusals are counted by client and alert: a flood from one is one voice")
    func refusals() throws {
        let stranger = try TestCA()
        let (old, new) = (try ca.server("foobar.com"), try stranger.server("foobar.com"))
        let trial = CertificateTrial(share: 50, bundles: [new])
        let server = try context(old, trial)
        let picked = try #require((0..<1_000 as Range<UInt64>).first { trial.picks($0) })
        let other = try #require((0..<1_000 as Range<UInt64>).first { !trial.picks($0) })
        for _ in 0..<20 { #expect(try !handshake(server, client: picked, trusting: ca.rootPEM).isDone) }
        #expect(try handshake(server, client: other, trusting: ca.rootPEM).isDone)
        #expect(trial.fresh.clients == 1 && trial.fresh.refusals == 1)
        #expect(trial.fresh.reasons == ["unknown_ca": 1])
        #expect(trial.known.clients == 1 && trial.known.refusals == 0)
    }

    @Test("a trial that is over is over for all, either way")
    func ends() throws {
        let (old, new) = (try ca.server("foobar.com"), try ca.server("foobar.com"))
        let trial = CertificateTrial(share: 50, bundles: [new])
        let server = try context(old, trial)
        let generation = try #require(server.generation)
        for end in [old, new] {
            server.publish(try #require(generation.replacing([.init(old, by: end)], number: 3)))
            for client in 0..<16 as Range<UInt64> {
                #expect(try handshake(server, client: client).client.peerCertificate?.der == end.leaf.der)
            }
        }
        #expect(trial.fresh.clients == 0 && trial.known.clients == 0)
    }

    @Test("the numbers of the alerts, and their places")
    func alerts() {
        #expect(CertificateAlert.allCases.map(\.place) == Array(0..<8))
        #expect(CertificateAlert(rawValue: 47) == nil && CertificateAlert(rawValue: 50) == nil)
    }
}
