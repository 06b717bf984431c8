import Certificates
import Glibc
import OpenSSL

/// One input: what an ACME server answers to one request after another.
///
/// What must hold, or it traps: an order ends, in a certificate or a problem, after so many requests as there are answers
/// and so much waiting as is allowed; no challenge is answered for a name that was not asked for.
@c(LLVMFuzzerTestOneInput)
public func fuzzACME(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let server = Server(bytes)
    var now: Int64 = 1_790_000_000
    let session = ACMESession(
        directory: "https://ca.test/dir",
        transport: server,
        key: accountKey,
        account: nil,
        now: { now }
    )
    let order = ACMEOrder(session, solvers: [Solver()], now: { now }, uptime: { now }, pause: { now += $0 })
    do throws(ACMEProblem) {
        try session.register(contact: ["a@b.test"])
        _ = try order.run(names: ["a.test", "*.a.test"], key: certificateKey)
    } catch {
        _ = "\(error)"
    }
    let answer = ACMEResponse(status: 200, fields: [:], body: bytes)
    if let information = RenewalInformation(answer, now: now) {
        precondition((60...86_400).contains(information.pause), "a pause has bounds")
    }
    return 0
}

private func key(_ file: String) -> PrivateKey {
    if let file = fopen(file, "r") {
        defer { fclose(file) }
        let pem = (0..<4096).map { _ in fgetc(file) }.prefix { $0 != EOF }.map { UInt8(truncatingIfNeeded: $0) }
        if let key = try? PrivateKey(pem: pem.span) { return key }
    }
    guard let key = try? PrivateKey.generate(.ecdsaP256) else { fatalError("OpenSSL makes keys") }
    return key
}

private let accountKey = key("")
/// The one that the certificate of the seeds is of.
private let certificateKey = key("key.pem")

/// Answers with pieces of the input, which zero bytes part. Of each, the first byte is the status.
private final class Server: ACMETransport {
    private var answers: ArraySlice<ArraySlice<UInt8>>

    init(_ bytes: [UInt8]) { answers = bytes.split(separator: 0, omittingEmptySubsequences: false)[...] }

    func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
        guard let answer = answers.popFirst() else { throw .unreachable(url: request.url, why: "the end") }
        let status = [200, 201, 400, 403, 429, 500, 503][Int(answer.first ?? 0) % 7]
        let fields = [
            "replay-nonce": "bm9uY2U", "location": "https://ca.test/1", "retry-after": "\(answer.first ?? 0)",
            "link": String(decoding: answer.dropFirst(), as: UTF8.self),
        ]
        return ACMEResponse(status: status, fields: fields, body: Array(answer.dropFirst()))
    }
}

private final class Solver: ACMEChallengeSolver {
    let type = "http-01"

    func present(_ challenge: ACMEChallenge) throws(ACMEProblem) {
        precondition(challenge.name == "a.test", "a name that was not asked for")
        precondition(!challenge.token.contains("/") && !challenge.token.contains("."), "a token names a file")
    }

    func settle() {}

    func withdraw(_ challenge: ACMEChallenge) {}
}
