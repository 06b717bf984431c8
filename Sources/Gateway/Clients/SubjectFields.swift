import Bytes

/// The names of the fields that tell app servers the subject of a client's certificate.
///
/// An app server cannot know by which listener a request came. So every listener drops the fields of all
/// of them, and the usual name besides, whether or not it asks for certificates itself.
internal struct SubjectFields {
    private static let usual = "x-client-subject"

    /// In lower case, each once.
    private let names: [[UInt8]]

    init(_ plan: Plan) {
        let given = plan.listeners.compactMap(\.tls?.clientSubjectField).filter { !$0.isEmpty }
        names = Set(given + [Self.usual]).sorted().map { Array($0.utf8) }
    }

    /// Whether an app server may take a field for one of them: many read `X_Client_Subject` as `X-Client-Subject`.
    ///
    /// - Parameter name: in lower case.
    func contains(_ name: Span<UInt8>) -> Bool {
        for field in names where name.reads(as: field.span) { return true }
        return false
    }
}

extension Span<UInt8> {
    /// Equal to a field name, both in lower case, for an app server that reads `-` and `_` alike, as CGI's variables do
    /// (RFC 3875 section 4.1.18).
    internal func reads(as name: Span<UInt8>) -> Bool {
        guard count == name.count else { return false }
        for index in 0..<count {
            let (own, other) = (self[index], name[index])
            if own != other && (own != 0x5F || other != 0x2D) && (own != 0x2D || other != 0x5F) { return false }
        }
        return true
    }
}
