import Linux

/// Data planes that pass from one control process to the next.
extension SupervisorLoop {
    internal func standing(_ instance: DataPlaneInstance) throws -> StandingDataPlane {
        var draining: [StandingDataPlane.Draining] = []
        for left in leaving {
            let channel = ListeningSocket(owning: try left.channel.duplicateDescriptor())
            draining.append(
                .init(process: left.identifier, berth: left.berth, deadline: left.deadline ?? now, channel: channel)
            )
        }
        return StandingDataPlane(
            process: instance.identifier,
            generation: generation,
            berth: instance.berth,
            plan: try configuration?.plan() ?? adoptedPlan,
            channel: ListeningSocket(owning: try instance.channel.duplicateDescriptor()),
            listeners: instance.listeners.sorted(),
            draining: draining
        )
    }

    /// Goes on with a data plane that another control process started.
    func adopt(_ standing: StandingDataPlane) {
        for left in standing.draining {
            guard let instance = try? draining(left) else {
                // It has ended since.
                settings.vacated(left.berth)
                continue
            }
            leaving.append(instance)
        }
        do {
            let copy = try standing.channel.duplicate()
            let instance = DataPlaneInstance(
                child: try ChildProcess(identifier: standing.process),
                channel: ControlChannel(owning: MessageSocket(owning: copy)),
                heartbeats: nil,
                berth: standing.berth,
                state: .serving,
                servingSince: now
            )
            instance.listeners = Set(standing.listeners)
            adoptedPlan = standing.plan
            generation = standing.generation
            current = instance
            report(.adopted(process: instance.identifier, generation: generation, berth: instance.berth))
        } catch {
            report(.cannotStart(reason: "data plane \(standing.process) is gone: \(error)", retryInMilliseconds: 0))
        }
    }

    /// One that drained already under the control process before this one.
    private func draining(_ left: StandingDataPlane.Draining) throws(SystemError) -> DataPlaneInstance {
        let instance = DataPlaneInstance(
            child: try ChildProcess(identifier: left.process),
            channel: ControlChannel(owning: MessageSocket(owning: try left.channel.duplicate())),
            heartbeats: nil,
            berth: left.berth,
            state: .draining
        )
        instance.deadline = left.deadline
        return instance
    }
}
