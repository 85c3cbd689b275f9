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
	{"create-task", func(ctx context.Context, f *fixture) {
		task := f.create(ctx, text("resize:40/format:webp"))
		check(task.Id != "" && task.Image == f.image.Id, task)
		check(task.Status == pb.TaskStatus_TASK_STATUS_QUEUED && task.CreatedAt.IsValid(), task)
		steps := task.Recipe.Fields["steps"].GetListValue().GetValues()
		check(len(steps) == 2, task.Recipe)
		resize := steps[0].GetStructValue().GetFields()
		check(resize["op"].GetStringValue() == "resize" && resize["width"].GetNumberValue() == 40, task.Recipe)
	}},
	{"create-task-struct", func(ctx context.Context, f *fixture) {
		recipe := f.create(ctx, twoOutputs()).Recipe.AsMap()
		outputs, _ := recipe["outputs"].(map[string]any)
		check(len(outputs) == 2 && outputs["large"] != nil && outputs["small"] != nil, recipe)
	}},
	{"bad-recipe", func(ctx context.Context, f *fixture) {
		_, err := f.tryCreate(ctx, text("blur:9999"))
		details := expectRefused(err, codes.InvalidArgument, "INVALID_RECIPE", "steps[0].sigma")
		check(strings.Contains(details.Remedy.GetMessage(), "sigma"), details.Remedy)
	}},
	{"no-recipe", func(ctx context.Context, f *fixture) {
		_, err := f.tryCreate(ctx, nil)
		expectRefused(err, codes.InvalidArgument, "INVALID_RECIPE", "recipe")
	}},
	{"unknown-image", func(ctx context.Context, f *fixture) {
		_, err := f.ann.RPC.CreateTask(ctx, &pb.CreateTaskRequest{Image: unusedID(), Recipe: shortRecipe})
		expectRefused(err, codes.NotFound, "IMAGE_NOT_FOUND", "")
	}},
	{"process", func(ctx context.Context, f *fixture) {
		var events []*pb.TaskEvent
		var progress []float64
		results := must(f.ann.Process(ctx, f.someImage(ctx).Id, twoOutputs(), func(event *pb.TaskEvent) {
			events = append(events, event)
			progress = append(progress, event.Task.Progress)
		}))
		check(kinds(events) == "QUEUED STARTED FETCHED DECODED OUTPUT OUTPUT COMPLETED", kinds(events))
		check(slices.IsSorted(progress) && progress[len(progress)-1] == 100, progress)
		check(len(results) == 2, results)
		for _, result := range results {
			output := result.Output
			check(digest(result.Data) == output.Sha256 && int64(len(result.Data)) == output.Bytes, output)
			if output.Name == "small" {
				check(output.Width == 64 && output.Height == 48 && output.Format == "webp", output)
			} else {
				check(output.Name == "large" && output.Width == 320, output)
			}
		}
	}},
	{"process-resume", func(ctx context.Context, f *fixture) {
		proxy := newRelay(f.address)
		defer proxy.close()
		throughProxy := newCaller(proxy.address(), f.ann.security, f.ann.token)
		defer throughProxy.connection.Close()

		var seen []*pb.TaskEvent
		results := must(throughProxy.Process(ctx, f.someImage(ctx).Id, mediumRecipe, func(event *pb.TaskEvent) {
			seen = append(seen, event)
			if len(seen) == 1 {
				proxy.cut()
			}
		}))
		check(proxy.connections.Load() == 2, proxy.connections.Load())
		check(kinds(seen) == "QUEUED STARTED FETCHED DECODED OUTPUT COMPLETED", kinds(seen))
		check(slices.Equal(tokens(seen), tokens(mustAll(f.watch(ctx, seen[0].Task.Id, "")))), tokens(seen))
		check(len(results) == 1 && digest(results[0].Data) == results[0].Output.Sha256, results)
	}},
	{"process-corrupt", func(ctx context.Context, f *fixture) {
		image := must(f.ann.upload(ctx, validUpload(f.photo[:2000])...))
		var events []*pb.TaskEvent
		_, err := f.ann.Process(ctx, image.Id, shortRecipe, func(event *pb.TaskEvent) { events = append(events, event) })
		expectRefused(err, codes.InvalidArgument, "CORRUPT_IMAGE", "")
		last := events[len(events)-1]
		check(last.Kind == pb.TaskEventKind_TASK_EVENT_KIND_FAILED, kinds(events))
		check(last.Task.Fault.Code == "corrupt_image", last)
	}},
	{"watch", func(ctx context.Context, f *fixture) {
		events := mustAll(f.watch(ctx, f.doneTask(ctx).Id, ""))
		check(kinds(events) == "QUEUED STARTED FETCHED DECODED OUTPUT OUTPUT COMPLETED", kinds(events))
		distinct := slices.Compact(slices.Sorted(slices.Values(tokens(events))))
		check(len(distinct) == len(events), tokens(events))
	}},
	{"watch-resume", func(ctx context.Context, f *fixture) {
		proxy := newRelay(f.address)
		defer proxy.close()
		throughProxy := newCaller(proxy.address(), f.ann.security, f.ann.token)
		defer throughProxy.connection.Close()

		task := f.create(ctx, longRecipe)
		defer f.cancel(ctx, task)
		var seen []*pb.TaskEvent
		for event, err := range throughProxy.Watch(ctx, task.Id, "") {
			seen = append(seen, must(event, err))
			if len(seen) == 2 {
				proxy.cut()
			}
			if event.Kind == pb.TaskEventKind_TASK_EVENT_KIND_DECODED {
				f.cancel(ctx, task)
			}
		}
		check(proxy.connections.Load() == 2, proxy.connections.Load())
		check(kinds(seen) == "QUEUED STARTED FETCHED DECODED CANCELLED", kinds(seen))
		check(slices.Equal(tokens(seen), tokens(mustAll(f.watch(ctx, task.Id, "")))), tokens(seen))
	}},
	{"watch-other-protocol", func(ctx context.Context, f *fixture) {
		task := f.doneTask(ctx).Id
		var first []*pb.TaskEvent
		for event, err := range f.ann.Watch(ctx, task, "") {
			first = append(first, must(event, err))
			if len(first) == 2 {
				break
			}
		}
		sent := must(f.sentEvents(ctx, task, first[1].Token))
		events := mustAll(f.watch(ctx, task, ""))
		check(len(sent) == len(events)-2, sent)
		for i, event := range sent {
			check(event.token == events[i+2].Token, event, events[i+2])
			check(strings.ToUpper(event.kind) == kinds(events[i+2:i+3]), event, events[i+2])
		}
		resumed := mustAll(f.watch(ctx, task, sent[1].token))
		check(slices.Equal(tokens(resumed), tokens(events)[4:]), tokens(resumed))
	}},
	{"watch-ended", func(ctx context.Context, f *fixture) {
		events := mustAll(f.watch(ctx, f.doneTask(ctx).Id, ""))
		last := events[len(events)-1]
		check(pixelflow.IsFinal(last), last)
		check(len(mustAll(f.watch(ctx, f.done.Id, last.Token))) == 0)
	}},
	{"watch-wrong-token", func(ctx context.Context, f *fixture) {
		_, err := f.watch(ctx, f.doneTask(ctx).Id, "!")
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "after")
	}},
	{"get-task", func(ctx context.Context, f *fixture) {
		task := must(f.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: f.doneTask(ctx).Id})).Task
		check(proto.Equal(task, f.done), task)
		check(task.Status == pb.TaskStatus_TASK_STATUS_COMPLETED && task.Progress == 100 && task.Attempt == 1, task)
	}},
	{"list-tasks", func(ctx context.Context, f *fixture) {
		var created []string
		for range 3 {
			created = append([]string{f.finish(ctx, f.create(ctx, shortRecipe)).Id}, created...)
		}
		var listed []string
		for cursor := ""; ; {
			page := must(f.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 2, Cursor: cursor}))
			check(len(page.Items) > 0 && len(page.Items) <= 2, page)
			for _, task := range page.Items {
				listed = append(listed, task.Id)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		newestFirst := slices.Clone(listed)
		slices.Sort(newestFirst)
		slices.Reverse(newestFirst)
		check(slices.Equal(listed, slices.Compact(newestFirst)), listed)
		check(slices.Equal(listed[:3], created), listed, created)
		completed := pb.TaskStatus_TASK_STATUS_COMPLETED
		page := must(f.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 200, Status: completed}))
		for _, task := range page.Items {
			check(task.Status == completed, task)
		}
		for _, id := range created {
			check(slices.ContainsFunc(page.Items, func(task *pb.Task) bool { return task.Id == id }), id)
		}
	}},
	{"list-limit", func(ctx context.Context, f *fixture) {
		_, err := f.ann.RPC.ListTasks(ctx, &pb.ListTasksRequest{Limit: 201})
		expectRefused(err, codes.InvalidArgument, "INVALID_REQUEST", "limit")
	}},
	{"cancel", func(ctx context.Context, f *fixture) {
		task := f.create(ctx, longRecipe)
		var seen []*pb.TaskEvent
		for event, err := range f.ann.Watch(ctx, task.Id, "") {
			seen = append(seen, must(event, err))
			if event.Kind == pb.TaskEventKind_TASK_EVENT_KIND_DECODED {
				check(f.cancel(ctx, task).Status == pb.TaskStatus_TASK_STATUS_CANCELLED)
			}
		}
		check(strings.HasSuffix(kinds(seen), "CANCELLED"), kinds(seen))
		check(f.cancel(ctx, task).Status == pb.TaskStatus_TASK_STATUS_CANCELLED)
	}},
	{"cancel-ended", func(ctx context.Context, f *fixture) {
		_, err := f.ann.RPC.CancelTask(ctx, &pb.CancelTaskRequest{Id: f.doneTask(ctx).Id})
		expectRefused(err, codes.FailedPrecondition, "TASK_ENDED", "")
	}},
	{"delete-task", func(ctx context.Context, f *fixture) {
		task := f.finish(ctx, f.create(ctx, shortRecipe))
		must(f.ann.RPC.DeleteTask(ctx, &pb.DeleteTaskRequest{Id: task.Id}))
		_, err := f.ann.RPC.GetTask(ctx, &pb.GetTaskRequest{Id: task.Id})
		expectRefused(err, codes.NotFound, "TASK_NOT_FOUND", "")
	}},
	{"retry-task", func(ctx context.Context, f *fixture) {
		done := f.doneTask(ctx)
		retried := must(f.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: done.Id})).Task
		check(retried.RetryOf == done.Id && retried.Id != done.Id && retried.Image == done.Image, retried)
		check(proto.Equal(retried.Recipe, done.Recipe), retried.Recipe)
		for i, output := range f.finish(ctx, retried).Outputs {
			check(output.Sha256 == done.Outputs[i].Sha256, output)
		}
		task := f.create(ctx, longRecipe)
		defer f.cancel(ctx, task)
		_, err := f.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: task.Id})
		expectRefused(err, codes.FailedPrecondition, "TASK_ACTIVE", "")
	}},
	{"bulk", func(ctx context.Context, f *fixture) {
		request := &pb.CreateTaskRequest{Image: f.someImage(ctx).Id, Recipe: shortRecipe, Lane: pb.Lane_LANE_BULK}
		task := must(f.ann.RPC.CreateTask(ctx, request)).Task
		done := f.finish(ctx, task)
		check(task.Lane == pb.Lane_LANE_BULK && done.Lane == task.Lane, done)
		check(done.Status == pb.TaskStatus_TASK_STATUS_COMPLETED, done)
		retried := must(f.ann.RPC.RetryTask(ctx, &pb.RetryTaskRequest{Id: task.Id})).Task
		check(retried.Lane == pb.Lane_LANE_BULK, retried)
		check(f.finish(ctx, retried).Status == pb.TaskStatus_TASK_STATUS_COMPLETED, retried)
	}},
	{"list-actors", func(ctx context.Context, f *fixture) {
		actor := f.doneTask(ctx).Actor
		actors := must(f.ann.RPC.ListActors(ctx, &pb.ListActorsRequest{})).Items
		check(slices.ContainsFunc(actors, func(listed *pb.Actor) bool { return listed.Name == actor }), actors)
		for _, actor := range actors {
			check(actor.Slots > 0 && actor.Version != "" && actor.SeenAt.IsValid(), actor)
		}
	}},
}

type sentEvent struct{ token, kind string }

// sentEvents returns the server-sent events of a task after a token.
func (f *fixture) sentEvents(ctx context.Context, task, after string) ([]sentEvent, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.http+"/api/v1/tasks/"+task+"/events", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("last-event-id", after)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	if f.usesTLS() {
		transport.TLSClientConfig = must(f.ann.security.Config())
	} else {
		request.Header.Set("authorization", "Bearer "+f.ann.token)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
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
