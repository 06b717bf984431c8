import Bytes

/// What ACME servers are answered who look whether a name is ours (RFC 8555, section 8.3). Empty at nearly all times.
internal struct ChallengeTable {
    private static let folder = Array("/.well-known/acme-challenge/".utf8)

    private let answers: [[UInt8]: [UInt8]]

    init(_ challenges: [String: String]) {
        answers = Dictionary(uniqueKeysWithValues: challenges.map { (Array($0.key.utf8), Array($0.value.utf8)) })
    }

    var isEmpty: Bool { answers.isEmpty }

    /// The answer for a request's target; nil when it names no token that is known.
    func answer(to target: Span<UInt8>) -> [UInt8]? {
        guard target.starts(with: Self.folder.span) else { return nil }
        return answers[target.extracting(Self.folder.count..<target.count).array]
    }
}
