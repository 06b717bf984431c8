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

    /// - Parameter name: in lower case.
    func contains(_ name: Span<UInt8>) -> Bool {
        for field in names where name.equals(field.span) { return true }
        return false
    }
}
