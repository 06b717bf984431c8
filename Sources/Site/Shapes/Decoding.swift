/// The state of turning nodes into a model: where it is, what was defined on the way, and what was wrong.
struct Decoding {
    /// What names in a site file stand for.
    enum NameKind: String, Sendable {
        case network, host, role, zone, service, certificate, pool
    }

    /// One step from the root to a value.
    enum Step {
        case key(String)
        case item(Int)
    }

    /// Relative paths in the file start here. Ends with `/`, or is empty.
    let directory: String
    var collector: DiagnosticCollector
    private var path: [Step] = []
    private var names: [NameKind: Set<String>] = [:]

    init(_ source: SourceText, directory: String) {
        self.directory = directory
        collector = DiagnosticCollector(source)
    }

    /// Decodes a part with its place on the path.
    mutating func at<Value>(_ step: Step, _ body: (inout Decoding) -> Value) -> Value {
        path.append(step)
        defer { path.removeLast() }
        return body(&self)
    }

    /// The part that is decoded, as `in gateway.listen[0].tls`; `at the top` at the root.
    var place: String { path.isEmpty ? "at the top" : "in " + quoted(text(path[...])) }

    private func text(_ path: ArraySlice<Step>) -> String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : "." + key
            case .item(let index): text += "[\(index)]"
            }
        }
        return text
    }

    /// The key that the part stands under; nil for items of a list and the root.
    var key: String? {
        guard case .key(let key) = path.last else { return nil }
        return key
    }

    /// Notes a name, so that later sections may refer to it.
    mutating func define(_ name: String, as kind: NameKind) {
        names[kind, default: []].insert(name)
    }

    func contains(_ name: String, _ kind: NameKind) -> Bool { names[kind]?.contains(name) == true }

    /// A path of the file, resolved against the file's own directory.
    func resolve(_ path: String) -> String {
        path.hasPrefix("/") ? path : directory + path
    }

    /// Reports that a node is not what it should be.
    mutating func wrongType(_ node: Node, expected: String) {
        if case .refused = node.content { return }
        let subject = subject
        collector.report(.wrongType, at: node.range, "\(subject) must be \(expected), not \(node.kind)")
    }

    /// Reports what a mapping lacks.
    mutating func missing(_ node: Node, _ what: String) {
        let place = place
        collector.report(.missingKey, at: node.range, "\(what) is missing \(place)")
    }

    /// Reports a word that is no good value.
    mutating func invalid(_ node: Node, _ problem: @autoclosure () -> String, help: @autoclosure () -> String? = nil) {
        collector.report(.invalidValue, at: node.range, problem(), help: help())
    }

    /// Reports a name that nothing of these kinds bears.
    ///
    /// - Parameters:
    ///   - words: what else may stand there.
    ///   - form: what to write where no word is near; nil to name the words.
    mutating func unknown(
        _ node: Node,
        _ noun: String,
        _ name: String,
        among kinds: [NameKind],
        or words: Set<String> = [],
        form: String? = nil
    ) {
        let names = names
        // Worked out only if it is kept: a site may have thousands of names and a file thousands of faults.
        let candidates = { kinds.reduce(words) { $0.union(names[$1] ?? []) } }
        let isPort = kinds == [.service] && (try? SiteService(text: name))?.tcpPort != nil
        let definition = "give it a name in `services`, as in `services: { my-service: \(name) }`, and write that"
        collector.report(
            .unknownName,
            at: node.range,
            "there is no \(noun) \(quoted(name))",
            help: isPort
                ? definition : Self.suggestion(for: name, among: candidates(), or: form) ?? Self.origin(of: kinds)
        )
    }

    /// Where names of a kind come from that is written nowhere else; nil for those with a section of their own.
    private static func origin(of kinds: [NameKind]) -> String? {
        guard kinds == [.zone] else { return nil }
        return "zones are those of interfaces: write `interfaces: { eth0: { zone: outside } }` at a host"
    }

    /// The innermost key, quoted, as the subject of a sentence.
    private var subject: String {
        switch path.last {
        case .key(let key): quoted(key)
        case .item: "an item of " + quoted(text(path.dropLast()))
        case nil: "a site file"
        }
    }

    /// `did you mean …?` when a word is near, else `form`, or all words when they are few.
    static func suggestion(
        for word: String,
        among candidates: some Collection<String>,
        or form: String? = nil
    ) -> String? {
        if let nearest = NearestWord.to(word, among: candidates) { return "did you mean `\(nearest)`?" }
        if let form { return form }
        guard (1...12).contains(candidates.count) else { return nil }
        return "valid: " + candidates.sorted().map { "`\($0)`" }.joined(separator: ", ")
    }
}
