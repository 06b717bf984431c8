import Bytes
import COpenSSL
import Testing

@testable import OpenSSL

@Suite struct TLSSessionTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func handshakeAndData(version: TLSVersion) throws {
        let server = try Make.server([TestCA.shared.server("foobar.com")])
        let client = try Make.client(version) {
            $0.authorities = TestCA.shared.rootPEM
            $0.alpn = ["http/1.1", "h2"]
        }
        let pair = try Loopback(server, client, name: "foobar.com").handshake()
        #expect(pair.isDone)
        #expect(pair.server.version == version)
        #expect(pair.server.applicationProtocol == 0)
        #expect(String(decoding: pair.server.serverName, as: UTF8.self) == "foobar.com")
        #expect(
            pair.server.cipher
                == (version == .tls13 ? "TLS_AES_128_GCM_SHA256" : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
        )
        #expect(!pair.server.isResumed && pair.server.peerSubject == nil)

        let text = Array("GET / HTTP/1.1".utf8)
        #expect(pair.client.write(text.span, outgoing: pair.toServer) == .bytes(text.count))
        let plaintext = ByteBuffer(capacity: 16)
        #expect(
            pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 5) == .bytes(5)
        )
        #expect(pair.server.hasMore(in: pair.toServer))
        #expect(
            pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 500)
                == .bytes(text.count - 5)
        )
        #expect(plaintext.array == text)
        #expect(!pair.server.hasMore(in: pair.toServer))
        #expect(
            pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 500)
                == .needsInput
        )
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func largeWritesByteByByte(version: TLSVersion) throws {
        let pair = try Loopback(
            Make.server([TestCA.shared.server("foobar.com")]),
            Make.client(version),
            name: "foobar.com"
        ).handshake()
        let body = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(pair.server.write(body.span, outgoing: pair.toClient) == .bytes(body.count))
        let plaintext = ByteBuffer(capacity: 100)
        let drip = ByteBuffer(capacity: 1)
        let wire = pair.toClient.array
        for byte in wire {
            drip.append(byte)
            switch pair.client.read(incoming: drip, outgoing: pair.toServer, into: plaintext, maximum: 1 << 20) {
            case .bytes, .needsInput: break
            case let other: Issue.record("\(other)")
            }
        }
        #expect(plaintext.array == body)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func handshakeByteByByte(version: TLSVersion) throws {
        let pair = try Loopback(
            Make.server([TestCA.shared.server("foobar.com")], keys: TicketKeys()),
            Make.client(version),
            name: "foobar.com"
        )
        let drip = ByteBuffer(capacity: 1)
        for _ in 0..<10 where !pair.isDone {
            if pair.clientProgress == .needsInput {
                pair.clientProgress = pair.client.handshake(incoming: pair.toClient, outgoing: pair.toServer)
            }
            for byte in pair.toServer.array {
                drip.append(byte)
                if pair.serverProgress == .needsInput {
                    pair.serverProgress = pair.server.handshake(incoming: drip, outgoing: pair.toClient)
                }
            }
            #expect(drip.isEmpty)
            pair.toServer.clear()
        }
        #expect(pair.isDone, "\(pair.serverProgress) \(pair.clientProgress)")
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func closeNotify(version: TLSVersion) throws {
        let pair = try Loopback(
            Make.server([TestCA.shared.server("foobar.com")]),
            Make.client(version),
            name: "foobar.com"
        ).handshake()
        let plaintext = ByteBuffer(capacity: 100)
        _ = pair.client.write(Array("bye".utf8).span, outgoing: pair.toServer)
        pair.client.shutdown(outgoing: pair.toServer)
        let once = pair.toServer.count
        pair.client.shutdown(outgoing: pair.toServer)
        #expect(pair.toServer.count == once)
        #expect(
            pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 100)
                == .bytes(3)
        )
        for _ in 0..<2 {
            #expect(
                pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 100)
                    == .closed
            )
        }
        // Half-closed: the other direction still carries data.
        #expect(pair.server.write(Array("ok".utf8).span, outgoing: pair.toClient) == .bytes(2))
    }

    @Test func garbageNeverTraps() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(state: seed)
        let server = try Make.server([TestCA.shared.server("foobar.com")], keys: TicketKeys())
        let client = try Make.client()
        let pure = try Loopback(server, client, name: "foobar.com")
        _ = pure.client.handshake(incoming: pure.toClient, outgoing: pure.toServer)
        let hello = pure.toServer.array
        for round in 0..<300 {
            let session = try TLSSession(server: server)
            var bytes = hello
            switch round % 3 {
            case 0:
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                }
            case 1: bytes = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random)))
            default:
                bytes = (0..<Int.random(in: 1..<400, using: &random)).map { _ in .random(in: 0...255, using: &random) }
            }
            let input = ByteBuffer(capacity: 512)
            input.append(bytes)
            let output = ByteBuffer(capacity: 512)
            let first = session.handshake(incoming: input, outgoing: output)
            #expect(first != .done)
            if case .failed = first {
                #expect(session.handshake(incoming: input, outgoing: output) == first)
            }
            #expect(output.count < 16_384)
        }
        #expect(ERR_peek_error() == 0)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func damagedRecordsFail(version: TLSVersion) throws {
        let server = try Make.server([TestCA.shared.server("foobar.com")])
        let client = try Make.client(version)
        let plaintext = ByteBuffer(capacity: 100)
        let pair = try Loopback(server, client, name: "foobar.com").handshake()
        _ = pair.client.write(Array("hello".utf8).span, outgoing: pair.toServer)
        var record = pair.toServer.array
        record[record.count - 1] ^= 1
        pair.toServer.clear()
        pair.toServer.append(record)
        let result = pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 100)
        guard case .failed(let failure) = result else { throw Unexpected() }
        #expect(failure.reason == .badRecord)
        #expect(!pair.toClient.isEmpty, "an alert tells the peer")
        #expect(
            pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 100) == result
        )
        #expect(pair.server.write(Array("x".utf8).span, outgoing: pair.toClient) == .failed(failure))
        #expect(plaintext.isEmpty)
        #expect(ERR_peek_error() == 0)
    }

    @Test func plainHTTPIsNamed() throws {
        let session = try TLSSession(server: Make.server([TestCA.shared.server("foobar.com")]))
        let input = ByteBuffer(capacity: 64)
        input.append("GET / HTTP/1.1\r\nHost: foobar.com\r\n\r\n")
        let progress = session.handshake(incoming: input, outgoing: ByteBuffer(capacity: 64))
        #expect(progress.reason == .plainHTTP, "\(progress)")
    }

    @Test func clientThatDistrustsIsNamed() throws {
        let stranger = try TestCA()
        let pair = try Loopback(
            Make.server([TestCA.shared.server("foobar.com")]),
            Make.client { $0.authorities = stranger.rootPEM },
            name: "foobar.com"
        ).handshake()
        #expect(pair.serverProgress.reason == .unknownCA)
        #expect(pair.clientProgress.reason == .clientCertificateInvalid)
    }

    @Test func earlyDataIsNotAllowed() throws {
        let pair = try Loopback(
            Make.server([TestCA.shared.server("foobar.com")], keys: TicketKeys()),
            Make.client(),
            name: "foobar.com"
        ).handshake()
        let ticket = try #require(pair.ticket)
        #expect(unsafe SSL_SESSION_get_max_early_data(ticket.handle) == 0)
    }

    @Test func renegotiationIsRefused() throws {
        let pair = try Loopback(
            Make.server([TestCA.shared.server("foobar.com")]),
            Make.client(.tls12),
            name: "foobar.com"
        ).handshake()
        unsafe SSL_clear_options(pair.client.handle, GH_SSL_OP_NO_RENEGOTIATION)
        unsafe SSL_renegotiate(pair.client.handle)
        _ = pair.client.handshake(incoming: pair.toClient, outgoing: pair.toServer)
        let plaintext = ByteBuffer(capacity: 100)
        let result = pair.server.read(incoming: pair.toServer, outgoing: pair.toClient, into: plaintext, maximum: 100)
        #expect(result == .needsInput, "answered with the warning no_renegotiation, and nothing else")
        let answer = pair.client.read(incoming: pair.toClient, outgoing: pair.toServer, into: plaintext, maximum: 100)
        guard case .failed(let failure) = answer else { throw Unexpected() }
        #expect(failure.description.contains("no renegotiation"))
    }
}

struct Unexpected: Error {}

extension TLSProgress {
    var reason: TLSFailure.Reason? {
        if case .failed(let failure) = self { return failure.reason }
        return nil
    }
}
