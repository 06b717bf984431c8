import Certificates
import OpenSSL
import Site

/// An ACME server in memory that does what a test tells it, and keeps what it was asked.
final class ScriptedCA: ACMETransport {
    /// A request as it came, its JWS taken apart.
    struct Request {
        let method: ACMERequest.Method
        let url: String
        let header: JSONValue
        /// nil for an empty payload, as a POST-as-GET has it.
        let payload: JSONValue?
        /// The members of the JWS.
        let members: [String]
    }

    static let base = "https://ca.test"
    private(set) var requests: [Request] = []
    /// Nonces that it gave, in order.
    private(set) var nonces: [String] = []
    /// Its answers bring nonces.
    var givesNonces = true
    /// So many requests get badNonce first.
    var refusedNonces = 0
    var directory = """
        { "newNonce": "\(ScriptedCA.base)/nonce", "newAccount": "\(ScriptedCA.base)/account",
          "newOrder": "\(ScriptedCA.base)/order", "renewalInfo": "\(ScriptedCA.base)/renewal",
          "meta": { "profiles": { "short": "" } } }
        """
    /// Answers by path, each in turn, the last for good.
    private var script: [String: [ACMEResponse]] = [:]

    func answer(_ path: String, _ answers: ACMEResponse...) { script[path] = answers }

    static func json(_ text: String, status: Int = 200, fields: [String: String] = [:]) -> ACMEResponse {
        ACMEResponse(status: status, fields: fields, body: Array(text.utf8))
    }

    static func problem(_ type: String, status: Int = 400, fields: [String: String] = [:]) -> ACMEResponse {
        json(
            #"{ "type": "urn:ietf:params:acme:error:\#(type)", "detail": "because" }"#,
            status: status,
            fields: fields
        )
    }

    /// It opens an account for everybody.
    func openAccounts() { answer("/account", Self.json("{}", status: 201, fields: ["location": Self.base + "/me"])) }

    /// An order for names that are known to be ours, and where its certificate is.
    ///
    /// - Parameter more: further members.
    static func order(_ status: String, _ more: String = "") -> String {
        """
        { "status": "\(status)", "authorizations": [], "finalize": "\(base)/finalize",
          "certificate": "\(base)/certificate"\(more) }
        """
    }

    /// An authorization for a name.
    static func authorization(_ name: String, _ status: String, challenge: String = "pending") -> ACMEResponse {
        json(
            """
            { "status": "\(status)", "identifier": { "type": "dns", "value": "\(name)" }, "challenges": [
                { "type": "http-01", "status": "\(challenge)", "url": "\(base)/challenge/\(name)",
                  "token": "abcdefghijklmnopqrstuvwxyz-\(name.count)", "error": { "detail": "nothing at \(name)" } } ] }
            """
        )
    }

    func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
        let path = String(request.url.dropFirst(Self.base.count))
        let jws = JSONValue(parsing: request.body)
        let text = jws?["payload"]?.text.flatMap { Base64URL.decode($0) }.map { String(decoding: $0, as: UTF8.self) }
        let header = jws?["protected"]?.text.flatMap { Base64URL.decode($0) }
            .flatMap { JSONValue(parsing: String(decoding: $0, as: UTF8.self)) }
        var members: [String] = []
        if case .object(let list)? = jws { members = list.map(\.name) }
        requests.append(
            Request(
                method: request.method,
                url: request.url,
                header: header ?? .null,
                payload: text.flatMap { JSONValue(parsing: $0) },
                members: members
            )
        )
        let nonce = Base64URL.encode("nonce \(nonces.count)")
        nonces.append(nonce)
        var answer = next(path)
        if request.method == .post, refusedNonces > 0 {
            refusedNonces -= 1
            answer = Self.problem("badNonce")
        }
        return ACMEResponse(
            status: answer.status,
            fields: givesNonces ? answer.fields.merging(["replay-nonce": nonce]) { $1 } : answer.fields,
            body: answer.body
        )
    }

    private func next(_ path: String) -> ACMEResponse {
        if path == "/dir", script[path] == nil { return Self.json(directory) }
        if path == "/nonce", script[path] == nil { return Self.json("") }
        guard let answers = script[path], let first = answers.first else {
            return Self.problem("malformed", status: 404)
        }
        if answers.count > 1 { script[path]?.removeFirst() }
        return first
    }

    /// Those of a path.
    func requests(_ path: String) -> [Request] { requests.filter { $0.url == Self.base + path } }
}

/// A CA before whose answers something else happens.
final class InterruptedCA: ACMETransport {
    private let ca: ScriptedCA
    private let path: String
    private let act: () throws -> Void

    /// - Parameter path: in the URL of what it is asked then.
    init(_ ca: ScriptedCA, before path: String, _ act: @escaping () throws -> Void) {
        self.ca = ca
        self.path = path
        self.act = act
    }

    func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
        if request.url.contains(path) { try? act() }
        return try ca.send(request)
    }
}

/// A solver that remembers.
final class RecordingSolver: ACMEChallengeSolver {
    let type = "http-01"
    private(set) var presented: [ACMEChallenge] = []
    private(set) var withdrawn: [ACMEChallenge] = []
    private(set) var settled = 0
    /// Names that cannot be answered for.
    var broken: Set<String> = []

    func present(_ challenge: ACMEChallenge) throws(ACMEProblem) {
        if broken.contains(challenge.name) { throw .challenge(name: challenge.name, why: "broken") }
        presented.append(challenge)
    }

    func settle() { settled += 1 }

    func withdraw(_ challenge: ACMEChallenge) { withdrawn.append(challenge) }
}
