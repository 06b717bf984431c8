/// Who waits to hear what data planes know. Used on the supervisor's thread alone.
internal struct OpenQuestions {
    internal typealias Request = SupervisorMailbox.Request

    /// About certificates in use, in the order in which they were asked.
    private var uses: [UseQuestion] = []
    /// About those on trial, likewise.
    private var trials: [Request] = []

    /// Asks all of these data planes how the certificates of a name are in use.
    mutating func ask(_ instances: [DataPlaneInstance], aboutUseOf certificate: String, for request: Request) {
        let asked = instances.filter { (try? $0.channel.send(.askUse(certificate: certificate))) != nil }
        uses.append(UseQuestion(request, asked: asked.map(\.identifier)))
    }

    /// Asks what has become of the certificates that are on trial.
    ///
    /// - Returns: whether it could be asked.
    mutating func askTrials(_ instance: DataPlaneInstance, for request: Request) -> Bool {
        guard (try? instance.channel.send(.askTrials)) != nil else { return false }
        trials.append(request)
        return true
    }

    mutating func hear(_ reports: [CertificateUseReport], from instance: DataPlaneInstance) {
        let question = uses.first { $0.isAwaiting(instance.identifier) }
        question?.hear(reports, from: instance.identifier, drains: instance.state == .draining)
        uses.removeAll(where: \.isAnswered)
    }

    mutating func hear(_ reports: [CertificateTrialReport]) {
        if !trials.isEmpty { trials.removeFirst().give(.trials(reports)) }
    }

    /// A data plane answers nothing more.
    mutating func ended(_ instance: DataPlaneInstance) {
        for question in uses { question.hear([], from: instance.identifier, drains: true) }
        uses.removeAll(where: \.isAnswered)
    }

    /// The one whose certificates are on trial has ended.
    mutating func endTrials() {
        for question in trials { question.give(.failed(.notRunning("it ended"))) }
        trials = []
    }
}
