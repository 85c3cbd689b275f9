package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pixelflow "pixelflow/clients/go"
	pb "pixelflow/clients/go/gen/pixelflowv1"
)

var taskScenarios = []scenario{
	{"create-task", func(ctx context.Context, b *bench) {
		task := b.create(ctx, text("resize:40/format:webp"))
		check(task.Id != "" && task.Image == b.image.Id, task)
		check(task.Status == pb.TaskStatus_TASK_STATUS_QUEUED && task.CreatedAt.IsValid(), task)
		steps := task.Recipe.Fields["steps"].GetListValue().GetValues()
		check(len(steps) == 2, task.Recipe)
		resize := steps[0].GetStructValue().GetFields()
		check(resize["op"].GetStringValue() == "resize" && resize["width"].GetNumberValue() == 40, task.Recipe)
	}},
	{"create-task-struct", func(ctx context.Context, b *bench) {
		recipe := b.create(ctx, twoOutputs()).Recipe.AsMap()
		outputs, _ := recipe["outputs"].(map[string]any)
		check(len(outputs) == 2 && outputs["large"] != nil && outputs["small"] != nil, recipe)
	}},
	{"bad-recipe", func(ctx context.Context, b *bench) {
		_, err := b.tryCreate(ctx, text("blur:9999"))
		details := refused(err, codes.InvalidArgument, "invalid_recipe", "steps[0].sigma")
		check(strings.Contains(details.Remedy.GetMessage(), "sigma"), details.Remedy)
	}},
	{"no-recipe", func(ctx context.Context, b *bench) {
		_, err := b.tryCreate(ctx, nil)
		refused(err, codes.InvalidArgument, "invalid_recipe", "recipe")
	}},
	{"unknown-image", func(ctx context.Context, b *bench) {
		_, err := b.ann.RPC.CreateTask(ctx, &pb.CreateTaskRequest{Image: unusedID(), Recipe: tiny})
		refused(err, codes.NotFound, "image_not_found", "")
	}},
	{"process", func(ctx context.Context, b *bench) {
		var events []*pb.TaskEvent
		var progress []float64
		results := must(b.ann.Process(ctx, b.someImage(ctx).Id, twoOutputs(), func(event *pb.TaskEvent) {
			events = append(events, event)
			progress = append(progress, event.Task.Progress)
		}))
		check(kinds(events) == "QUEUED STARTED FETCHED DECODED OUTPUT OUTPUT COMPLETED", kinds(events))
		check(slices.IsSorted(progress) && progress[len(progress)-1] == 100, progress)
		check(len(results) == 2, results)
		for _, one := range results {
			about := one.Output
			check(digest(one.Data) == about.Sha256 && int64(len(one.Data)) == about.Bytes, about)
			if about.Name == "small" {
				check(about.Width == 64 && about.Height == 48 && about.Format == "webp", about)
			} else {
				check(about.Name == "large" && about.Width == 320, about)
			}
		}
	}},
	{"process-resume", func(ctx context.Context, b *bench) {
		wire := newRelay(b.address)
		defer wire.close()
		far := call(wire.address(), b.ann.security, b.ann.token)
		defer far.connection.Close()

		var seen []*pb.TaskEvent
		results := must(far.Process(ctx, b.someImage(ctx).Id, unhurried, func(event *pb.TaskEvent) {
			seen = append(seen, event)
			if len(seen) == 1 {
				wire.cut()
			}
		}))
		check(wire.connections.Load() == 2, wire.connections.Load())
		check(kinds(seen) == "QUEUED STARTED FETCHED DECODED OUTPUT COMPLETED", kinds(seen))
		check(slices.Equal(tokens(seen), tokens(all(b.watch(ctx, seen[0].Task.Id, "")))), tokens(seen))
		check(len(results) == 1 && digest(results[0].Data) == results[0].Output.Sha256, results)
	}},
	{"process-corrupt", func(ctx context.Context, b *bench) {
		image := must(b.ann.upload(ctx, whole(b.photo[:2000])...))
		var events []*pb.TaskEvent
		_, err := b.ann.Process(ctx, image.Id, tiny, func(event *pb.TaskEvent) { events = append(events, event) })
		refused(err, codes.InvalidArgument, "corrupt_image", "")
		last := events[len(events)-1]
		check(last.Kind == pb.TaskEventKind_TASK_EVENT_KIND_FAILED, kinds(events))
		check(last.Task.Fault.Code == "corrupt_image", last)
	}},
	{"watch", func(ctx context.Context, b *bench) {
		events := all(b.watch(ctx, b.doneTask(ctx).Id, ""))
		check(kinds(events) == "QUEUED STARTED FETCHED DECODED OUTPUT OUTPUT COMPLETED", kinds(events))
		each := slices.Compact(slices.Sorted(slices.Values(tokens(events))))
		check(len(each) == len(events), tokens(events))
	}},
	{"watch-resume", func(ctx context.Context, b *bench) {
		wire := newRelay(b.address)
		defer wire.close()
		far := call(wire.address(), b.ann.security, b.ann.token)
		defer far.connection.Close()

		task := b.create(ctx, slow)
		defer b.cancel(ctx, task)
		var seen []*pb.TaskEvent
		for event, err := range far.Watch(ctx, task.Id, "") {
			seen = append(seen, must(event, err))
			if len(seen) == 2 {
				wire.cut()
			}
			if event.Kind == pb.TaskEventKind_TASK_EVENT_KIND_DECODED {
				b.cancel(ctx, task)
			}
		}
		check(wire.connections.Load() == 2, wire.connections.Load())
		check(kinds(seen) == "QUEUED STARTED FETCHED DECODED CANCELLED", kinds(seen))
		check(slices.Equal(tokens(seen), tokens(all(b.watch(ctx, task.Id, "")))), tokens(seen))
	}},
	{"watch-other-protocol", func(ctx context.Context, b *bench) {
		task := b.doneTask(ctx).Id
		var first []*pb.TaskEvent
		for event, err := range b.ann.Watch(ctx, task, "") {
			first = append(first, must(event, err))
			if len(first) == 2 {
				break
			}
		}
		sent := must(b.sentEvents(ctx, task, first[1].Token))
		whole := all(b.watch(ctx, task, ""))
		check(len(sent) == len(whole)-2, sent)
		for i, event := range sent {
			check(event.token == whole[i+2].Token, event, whole[i+2])
			check(strings.ToUpper(event.kind) == kinds(whole[i+2:i+3]), event, whole[i+2])
		}
		again := all(b.watch(ctx, task, sent[1].token))
		check(slices.Equal(tokens(again), tokens(whole)[4:]), tokens(again))
	}},
	{"watch-ended", func(ctx context.Context, b *bench) {
		events := all(b.watch(ctx, b.doneTask(ctx).Id, ""))
		last := events[len(events)-1]
		check(pixelflow.Final(last), last)
		check(len(all(b.watch(ctx, b.done.Id, last.Token))) == 0)
	}},
	{"watch-wrong-token", func(ctx context.Context, b *bench) {
		_, err := b.watch(ctx, b.doneTask(ctx).Id, "!")
		refused(err, codes.InvalidArgument, "invalid_request", "after")
	}},
	{"get-task", func(ctx context.Context, b *bench) {
		task := must(b.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: b.doneTask(ctx).Id})).Task
		check(proto.Equal(task, b.done), task)
		check(task.Status == pb.TaskStatus_TASK_STATUS_COMPLETED && task.Progress == 100 && task.Attempt == 1, task)
	}},
	{"list-tasks", func(ctx context.Context, b *bench) {
		var mine []string
		for range 3 {
			mine = append([]string{b.finish(ctx, b.create(ctx, tiny)).Id}, mine...)
		}
		var found []string
		for cursor := ""; ; {
			page := must(b.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 2, Cursor: cursor}))
			check(len(page.Items) > 0 && len(page.Items) <= 2, page)
			for _, one := range page.Items {
				found = append(found, one.Id)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		newestFirst := slices.Clone(found)
		slices.Sort(newestFirst)
		slices.Reverse(newestFirst)
		check(slices.Equal(found, slices.Compact(newestFirst)), found)
		check(slices.Equal(found[:3], mine), found, mine)
		completed := pb.TaskStatus_TASK_STATUS_COMPLETED
		page := must(b.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 200, Status: completed}))
		for _, one := range page.Items {
			check(one.Status == completed, one)
		}
		for _, id := range mine {
			check(slices.ContainsFunc(page.Items, func(one *pb.Task) bool { return one.Id == id }), id)
		}
	}},
	{"list-limit", func(ctx context.Context, b *bench) {
		_, err := b.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 201})
		refused(err, codes.InvalidArgument, "invalid_request", "limit")
	}},
	{"cancel", func(ctx context.Context, b *bench) {
		task := b.create(ctx, slow)
		var seen []*pb.TaskEvent
		for event, err := range b.ann.Watch(ctx, task.Id, "") {
			seen = append(seen, must(event, err))
			if event.Kind == pb.TaskEventKind_TASK_EVENT_KIND_DECODED {
				check(b.cancel(ctx, task).Status == pb.TaskStatus_TASK_STATUS_CANCELLED)
			}
		}
		check(strings.HasSuffix(kinds(seen), "CANCELLED"), kinds(seen))
		check(b.cancel(ctx, task).Status == pb.TaskStatus_TASK_STATUS_CANCELLED)
	}},
	{"cancel-ended", func(ctx context.Context, b *bench) {
		_, err := b.ann.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: b.doneTask(ctx).Id})
		refused(err, codes.FailedPrecondition, "task_ended", "")
	}},
	{"delete-task", func(ctx context.Context, b *bench) {
		task := b.finish(ctx, b.create(ctx, tiny))
		must(b.ann.RPC.DeleteTask(ctx, &pb.DeleteTaskRequest{Id: task.Id}))
		_, err := b.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: task.Id})
		refused(err, codes.NotFound, "task_not_found", "")
	}},
	{"retry-task", func(ctx context.Context, b *bench) {
		done := b.doneTask(ctx)
		again := must(b.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: done.Id})).Task
		check(again.RetryOf == done.Id && again.Id != done.Id && again.Image == done.Image, again)
		check(proto.Equal(again.Recipe, done.Recipe), again.Recipe)
		for i, output := range b.finish(ctx, again).Outputs {
			check(output.Sha256 == done.Outputs[i].Sha256, output)
		}
		task := b.create(ctx, slow)
		defer b.cancel(ctx, task)
		_, err := b.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: task.Id})
		refused(err, codes.FailedPrecondition, "task_active", "")
	}},
	{"bulk", func(ctx context.Context, b *bench) {
		request := &pb.CreateTaskRequest{Image: b.someImage(ctx).Id, Recipe: tiny, Lane: pb.Lane_LANE_BULK}
		task := must(b.ann.RPC.CreateTask(ctx, request)).Task
		done := b.finish(ctx, task)
		check(task.Lane == pb.Lane_LANE_BULK && done.Lane == task.Lane, done)
		check(done.Status == pb.TaskStatus_TASK_STATUS_COMPLETED, done)
		again := must(b.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: task.Id})).Task
		check(again.Lane == pb.Lane_LANE_BULK, again)
		check(b.finish(ctx, again).Status == pb.TaskStatus_TASK_STATUS_COMPLETED, again)
	}},
	{"list-actors", func(ctx context.Context, b *bench) {
		worked := b.doneTask(ctx).Actor
		actors := must(b.ann.RPC.ListActors(ctx, &pb.ListActorsRequest{})).Items
		check(slices.ContainsFunc(actors, func(one *pb.Actor) bool { return one.Name == worked }), actors)
		for _, one := range actors {
			check(one.Slots > 0 && one.Version != "" && one.SeenAt.IsValid(), one)
		}
	}},
}

type sentEvent struct{ token, kind string }

// sentEvents returns the server-sent events of a task after a token.
func (b *bench) sentEvents(ctx context.Context, task, after string) ([]sentEvent, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.http+"/api/v1/tasks/"+task+"/events", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("last-event-id", after)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	if b.encrypted() {
		transport.TLSClientConfig = must(b.ann.security.Config())
	} else {
		request.Header.Set("authorization", "Bearer "+b.ann.token)
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var events []sentEvent
	for block := range strings.SplitSeq(strings.TrimSpace(string(body)), "\n\n") {
		fields := map[string]string{}
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			fields[name] = value
		}
		// Heartbeats have no id.
		if fields["id"] == "" {
			continue
		}
		var data struct{ Task struct{ ID string } }
		if err := json.Unmarshal([]byte(fields["data"]), &data); err != nil {
			return nil, err
		}
		check(data.Task.ID == task, data)
		events = append(events, sentEvent{fields["id"], fields["event"]})
	}
	return events, nil
}
